//! A real browser that looks at pages: Chromium without a window lays them out, and a script in a copy of each writes down what is where.
//!
//! Each page is shown in a frame of a given width, which is its window: the narrowest window that Chromium opens itself has 500 pixels.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use gateway_lab::temp::TempDir;

/// Longest wait for the browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// As the page forbids scripts and whatever else it does not need; the copy needs one.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// Writes a line for each thing in the pictures: its kind, its area, and more. Fields are separated by tabs.
const SCRIPT: &str = "
const lines = [];
const add = (...fields) => lines.push(fields.join('\\t'));
const area = element => {
  const box = element.getBoundingClientRect();
  return [box.left + scrollX, box.top + scrollY, box.right + scrollX, box.bottom + scrollY];
};
add('page', innerWidth, document.documentElement.scrollWidth, document.title.endsWith(': gateway check'));
for (const node of document.querySelectorAll('svg .node')) add('node', ...area(node), node.id);
for (const text of document.querySelectorAll('svg text')) add('text', ...area(text), text.textContent);
for (const link of document.querySelectorAll('svg .link')) {
  const wire = link.querySelector('.wire');
  const colour = wire ? getComputedStyle(wire).stroke : getComputedStyle(link.querySelector('text')).fill;
  add('link', link.dataset.to, link.dataset.bond, ...colour.match(/\\d+/g).slice(0, 3));
}
parent.document.getElementById(frameElement.dataset.result).textContent = lines.join('\\n') + '\\nend';
";

/// A page in a window of this width.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) page: &'a str,
    pub(crate) width: u16,
}

/// What the browser made of a page.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) width: u16,
    pub(crate) scroll_width: u16,
    pub(crate) title_is_ours: bool,
    pub(crate) nodes: Vec<Shape>,
    pub(crate) texts: Vec<Shape>,
    pub(crate) links: Vec<Link>,
}

/// A node by its id, or a text by its words.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) id: String,
    pub(crate) area: Area,
}

/// A link between two nodes, with the colour it has in the end.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) to: String,
    pub(crate) bond: String,
    pub(crate) colour: (u8, u8, u8),
}

#[derive(Debug)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Area {
    /// Boxes of text are higher than the letters: lines right below one another may share this much.
    const SLACK: f64 = 3.0;

    pub(crate) fn covers(&self, other: &Self) -> bool {
        let shared = |from: f64, to: f64| to - from > Self::SLACK;
        shared(self.left.max(other.left), self.right.min(other.right))
            && shared(self.top.max(other.top), self.bottom.min(other.bottom))
    }
}

/// What the browser makes of each page.
pub(crate) fn measure(views: &[View<'_>]) -> Vec<Measured> {
    let directory = TempDir::new("browser");
    let mut outer = "<!doctype html><meta charset=utf-8><body>".to_owned();
    for (number, view) in views.iter().enumerate() {
        assert!(view.page.contains(POLICY), "the page allows too much");
        let copy = view.page.replace(
            POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
        );
        let copy = copy.replace("</body>", &format!("<script>{SCRIPT}</script></body>"));
        outer += &format!(
            "<pre id=result{number}></pre><iframe data-result=result{number} width={} height=800 style='border:0' srcdoc=\"{}\"></iframe>",
            view.width,
            copy.replace('&', "&amp;").replace('"', "&quot;")
        );
    }
    let file = directory.path().join("outer.html");
    fs::write(&file, outer).expect("a writable directory");
    let dom = dump(&directory, &format!("file://{}", file.display()));
    let result = |number: usize| {
        let begin = format!("<pre id=\"result{number}\">");
        let (_, rest) = dom
            .split_once(&begin)
            .unwrap_or_else(|| panic!("no {begin} in\n{dom}"));
        let (result, _) = rest.split_once("</pre>").expect("its end");
        read(result)
    };
    (0..views.len()).map(result).collect()
}

fn read(result: &str) -> Measured {
    assert!(
        result.ends_with("\nend"),
        "the page was not measured: {result}"
    );
    let mut measured = Measured::default();
    for line in result.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |place: usize| -> f64 { fields[place].parse().expect(line) };
        let shape = || Shape {
            id: fields[5].to_owned(),
            area: Area {
                left: number(1),
                top: number(2),
                right: number(3),
                bottom: number(4),
            },
        };
        match fields[0] {
            "page" => {
                measured.width = fields[1].parse().expect(line);
                measured.scroll_width = fields[2].parse().expect(line);
                measured.title_is_ours = fields[3] == "true";
            }
            "node" => measured.nodes.push(shape()),
            "text" => measured.texts.push(shape()),
            "link" => measured.links.push(Link {
                to: fields[1].to_owned(),
                bond: fields[2].to_owned(),
                colour: (
                    fields[3].parse().expect(line),
                    fields[4].parse().expect(line),
                    fields[5].parse().expect(line),
                ),
            }),
            _ => assert_eq!(line, "end"),
        }
    }
    measured
}

/// The document after its scripts have run.
fn dump(directory: &TempDir, address: &str) -> String {
    let profile = directory.path().join("profile");
    let browser = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        // The shared memory of a container is often too small.
        .args([
            "--disable-dev-shm-usage",
            "--window-size=1400,900",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut browser = browser.unwrap_or_else(|error| {
        panic!("no browser ({error}): sudo apt-get install -y --no-install-recommends chromium")
    });
    let mut output = browser.stdout.take().expect("a pipe");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    wait(&mut browser);
    reader.join().expect("no panic").expect("UTF-8")
}

/// Waits for the end, which this brings about if it does not come by itself.
fn wait(browser: &mut Child) {
    let pause = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        if browser.try_wait().expect("a child").is_some() {
            return;
        }
        thread::sleep(pause);
    }
    browser.kill().expect("a child");
    browser.wait().expect("a child");
    panic!("the browser does not end");
}
