//! The report of a check as one HTML page: no scripts, nothing loaded from anywhere, every word of others escaped.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process;

use super::graph;
use super::picture;
use super::step::{self, Fact, Mark, Step};
use super::visit::{Attempt, Finding};
use crate::bytes::html::escape;
use crate::outbound::cause::Verdict;
use crate::outbound::decision::{Decision, bare};
use crate::outbound::{Event, Level};
use crate::smtp::Reply;
use crate::time::Timestamp;

/// How the page looks.
const STYLE: &str = include_str!("page.css");

/// What the page is made of for one argument.
pub(super) struct Chapter {
    pub(super) decision: Decision,
    pub(super) findings: Vec<Finding>,
}

/// The whole page.
pub(super) fn page(chapters: &[Chapter], now: Timestamp) -> String {
    let names: Vec<String> = chapters
        .iter()
        .map(|chapter| bare(&chapter.decision.deciding.domain))
        .collect();
    let mut body = String::new();
    if let [_, _, ..] = names.as_slice() {
        body += &contents(chapters);
    }
    for (number, chapter) in chapters.iter().enumerate() {
        body += &section(chapter, number + 1);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}: gateway check</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         <footer>gateway {} check, {now}</footer>\n</body>\n</html>\n",
        escape(&names.join(", ")),
        env!("CARGO_PKG_VERSION"),
    )
}

/// Writes the page in full or not at all: whoever reads the file never sees half of it.
///
/// # Errors
/// As the system says.
pub(super) fn write(path: &Path, page: &str) -> io::Result<()> {
    let is_other = fs::metadata(path).is_ok_and(|found| !found.is_file());
    if is_other {
        return Err(io::Error::other("it is there already and is no file"));
    }
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", process::id()));
    let beside = path.with_file_name(hidden);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)?;
    let written = file
        .write_all(page.as_bytes())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error says more.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Where there are several chapters: one line for each.
fn contents(chapters: &[Chapter]) -> String {
    let entry = |(number, chapter): (usize, &Chapter)| {
        let step = step::conclusion(&chapter.decision, &chapter.findings);
        format!(
            "<li class=\"{}\"><a href=\"#s{}\">{}</a> <span class=\"state\">{}</span></li>\n",
            class(step.mark),
            number + 1,
            escape(&bare(&chapter.decision.deciding.domain)),
            escape(&step.state)
        )
    };
    let entries: String = chapters.iter().enumerate().map(entry).collect();
    format!("<nav aria-label=\"Domains\"><ul>\n{entries}</ul></nav>\n")
}

fn section(chapter: &Chapter, number: usize) -> String {
    let record = &chapter.decision.deciding;
    let conclusion = step::conclusion(&chapter.decision, &chapter.findings);
    let nodes = graph::grow(&chapter.findings, record.level);
    let chain = match nodes.is_empty() {
        true => "<p>Nothing was asked.</p>\n".to_owned(),
        false => picture::draw(&nodes, &format!("s{number}")),
    };
    let steps: String = chapter.findings.iter().map(block).collect();
    format!(
        "<section class=\"report {}\" id=\"s{number}\" data-verdict=\"{}\" data-reason=\"{}\">\n{}\
         <div class=\"columns\">\n<figure>\n<h2>Chain of trust</h2>\n{chain}{LEGEND}</figure>\n\
         <div class=\"walk\">\n<h2>Steps</h2>\n<ol class=\"steps\">\n{steps}</ol>\n</div>\n</div>\n</section>\n",
        class(conclusion.mark),
        chapter.decision.verdict().name(),
        record.cause.reason,
        head(chapter, &conclusion),
    )
}

const LEGEND: &str = "<figcaption><ul class=\"legend\"><li class=\"proven\">proven</li><li class=\"unproven\">not proven, not demanded</li>\
    <li class=\"broken\">broken here</li><li class=\"unreached\">beyond the break</li></ul></figcaption>\n";

/// What comes of it, and what is to be mended: all that is needed at 3 a.m.
fn head(chapter: &Chapter, conclusion: &Step) -> String {
    let record = &chapter.decision.deciding;
    let comes_of_it = match chapter.decision.verdict() {
        Verdict::Deliver => "Mail would be sent now.",
        Verdict::Defer => "Mail would wait and be tried again.",
        Verdict::Reject => "Mail would be refused for good.",
    };
    let demanded = match record.level {
        Level::DaneOnly => "every DNS answer and the server's certificate must be proven",
        Level::Dane => {
            "TLSA records must match where DNSSEC proves them, encryption is enough elsewhere"
        }
        Level::Secure => "a CA must vouch for the server's name",
        Level::Fingerprint => "the server's certificate or key must be the one that is pinned",
        Level::Encrypt => "encryption is enough, to whom is not asked",
        Level::None => "nothing must be proven, on this machine only",
    };
    let facts = conclusion.facts.iter();
    let details = details(facts.filter(|fact| fact.label != "mail"));
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"verdict\">{}<strong>{comes_of_it}</strong> <span class=\"state\">{}</span></p>\n\
         {details}<p class=\"terms\">Level {}: {demanded}. Port {}.</p>\n</header>\n",
        escape(&bare(&record.domain)),
        sign(conclusion.mark),
        escape(&conclusion.state),
        escape(record.level.name()),
        record.port
    )
}

fn block(finding: &Finding) -> String {
    let step = finding.step();
    let dialogue = match finding {
        Finding::Question(_) | Finding::Exception(_) => String::new(),
        Finding::Attempt(attempt) => dialogue(attempt),
    };
    let details = details(step.facts.iter());
    format!(
        "<li class=\"step {}\"><h3>{}{} <span class=\"state\">{}</span></h3>\n{details}{dialogue}</li>\n",
        class(step.mark),
        sign(step.mark),
        escape(&step.title),
        escape(&step.state)
    )
}

/// Details as a list; of several with one label, the label stands once.
fn details<'a>(facts: impl Iterator<Item = &'a Fact>) -> String {
    let mut html = "<dl class=\"facts\">\n".to_owned();
    let mut last = "";
    for fact in facts {
        let label = fact.label;
        if label != last {
            let end = if last.is_empty() { "" } else { "</div>\n" };
            html += &format!("{end}<div class=\"fact\" data-label=\"{label}\"><dt>{label}</dt>");
            last = label;
        }
        let class = fact.mark.map_or("", class);
        html += &format!("<dd class=\"{class}\">{}</dd>", with_code(&fact.text));
    }
    let end = if last.is_empty() { "" } else { "</div>\n" };
    html + end + "</dl>\n"
}

/// The text with what stands between backticks set as code.
fn with_code(text: &str) -> String {
    let mut html = String::new();
    for (number, part) in text.split('`').enumerate() {
        html += &match number % 2 {
            0 => escape(part),
            _ => format!("<code>{}</code>", escape(part)),
        };
    }
    html
}

const fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "good",
        Mark::Notice => "notice",
        Mark::Bad => "bad",
    }
}

/// The mark as a sign with a word for those who hear the page.
fn sign(mark: Mark) -> String {
    let (sign, word) = match mark {
        Mark::Good => ("✓", "ok"),
        Mark::Notice => ("!", "note"),
        Mark::Bad => ("✗", "failed"),
    };
    format!("<span class=\"sign\" role=\"img\" aria-label=\"{word}\">{sign}</span>")
}

/// What was said on the connections of an attempt.
fn dialogue(attempt: &Attempt) -> String {
    if attempt.events.is_empty() {
        return String::new();
    }
    let lines: String = attempt.events.iter().flat_map(said).collect();
    format!(
        "<details open><summary>What was said</summary>\n<ol class=\"dialogue\">\n{lines}</ol>\n</details>\n"
    )
}

fn said(event: &Event) -> Vec<String> {
    let line = |class: &str, who: &str, text: &str| {
        format!("<li class=\"{class}\"><b>{who}</b> {}</li>\n", escape(text))
    };
    match event {
        Event::Connected => vec![line("note", "–", "connected")],
        Event::Sent(text) => vec![line("client", "C", text)],
        Event::Received(reply) => {
            let lines = lines_of(reply);
            lines.iter().map(|text| line("server", "S", text)).collect()
        }
        Event::Encrypted { facts, chain } => {
            let certificates = match chain.len() {
                1 => "1 certificate".to_owned(),
                count => format!("{count} certificates"),
            };
            let text = format!(
                "TLS handshake: {} with {}, {certificates}",
                facts.version, facts.cipher
            );
            vec![line("note", "–", &text)]
        }
    }
}

/// The lines of a reply as they came.
fn lines_of(reply: &Reply) -> Vec<String> {
    let count = reply.lines.len().max(1);
    let enhanced = reply
        .enhanced
        .map(|status| format!("{status} "))
        .unwrap_or_default();
    let texts = reply
        .lines
        .iter()
        .map(String::as_str)
        .chain((reply.lines.is_empty()).then_some(""));
    let lines = texts.enumerate().map(|(number, text)| {
        let sign = if number + 1 == count { ' ' } else { '-' };
        format!("{}{sign}{enhanced}{text}", reply.code)
    });
    lines.collect()
}
