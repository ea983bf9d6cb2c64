//! The page that `gateway check --html` writes: what is in it, that hostile data cannot leave their place, and how a real browser shows it.

mod browser;

use std::fs;
use std::process::Output;

use gateway::dns::RecordType;
use gateway_lab::temp::TempDir;
use gateway_lab::world::{Damage, tlsa_owner};
use gateway_lab::{Behaviour, Certificate, Fault, Gateway, MxHost, Seats, World, Zone};

use browser::{Measured, View};

/// A name that would like to be markup, to turn the direction of writing, and to be wider than it looks.
const HOSTILE: &str = "<script>document.title='taken'</script>\u{202e}漢字";

/// Domains below the signed zone `test`, each with something else that is right or wrong; and two servers for all of them.
struct Stage {
    _world: World,
    _hosts: [MxHost; 2],
    directory: TempDir,
    gateway: Gateway,
}

impl Stage {
    fn new() -> Self {
        let mut seats = Seats::reserve(2);
        let mut host = |certificate, name| MxHost::start_on(seats.take(), certificate, name);
        let right = host(Certificate::new("right.good.test"), "right.good.test");
        let long = "a-very-long-name-of-a-server-indeed.and-of-the-place-where-it-stands.good.test";
        let wrong = host(Certificate::new(HOSTILE), long);
        wrong.behave(Behaviour::new().reply("BANNER", &format!("220 wrong {HOSTILE}\"><i>")));
        let port = seats.port();
        let good = Zone::signed("good.test")
            .mx(10, right.name())
            .mx(20, wrong.name())
            .address(right.name(), right.ip())
            .address(wrong.name(), wrong.ip())
            .tlsa(right.name(), port, right.tlsa(1, 1))
            .tlsa(wrong.name(), port, right.tlsa(1, 1))
            .tlsa(wrong.name(), port, right.tlsa(1, 2));
        let world = World::builder()
            .zone(Zone::signed("test"))
            .zone(good)
            .zone(Zone::signed("bad.test").mx(10, wrong.name()))
            .zone(
                Zone::signed("bogus.test")
                    .mx(10, right.name())
                    .damaged(Damage::Signatures),
            )
            .zone(Zone::unsigned("open.test").mx(10, right.name()))
            .zone(Zone::signed("forged.test").mx(10, right.name()))
            .fault("forged.test", RecordType::MX, Fault::Bogus)
            .zone(
                Zone::signed("old.test")
                    .mx(10, "mx.old.test")
                    .address("mx.old.test", right.ip())
                    .tlsa("mx.old.test", port, right.tlsa(1, 1)),
            )
            .fault(
                &tlsa_owner("mx.old.test", port).to_string(),
                RecordType::TLSA,
                Fault::Expired,
            )
            .zone(
                Zone::signed("plain.test")
                    .mx(10, "mx.plain.test")
                    .address("mx.plain.test", right.ip()),
            )
            .zone(
                Zone::signed("alias.test")
                    .mx(10, "mx.alias.test")
                    .cname("mx.alias.test", right.name()),
            )
            .start();
        let directory = TempDir::new("page");
        let anchor = directory.path().join("anchor");
        fs::write(&anchor, world.trust_anchor()).expect("a writable directory");
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .resolver(world.resolver())
            .smtp_port(port)
            .config(&format!("trust-anchor {}", anchor.display()))
            .prepare();
        Self {
            _world: world,
            _hosts: [right, wrong],
            directory,
            gateway,
        }
    }

    /// The page about these arguments.
    fn page(&self, words: &[&str]) -> String {
        let file = self.directory.path().join("page.html");
        let file = file.to_str().expect("UTF-8");
        let output = self
            .gateway
            .run(&[&["check", "--html", file], words].concat());
        assert!(output.stderr.is_empty(), "{output:?}");
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

const VALIDATE: [&str; 2] = ["--dnssec", "validate"];

/// What each picture must show: its nodes, and the one link that is broken.
#[rustfmt::skip]
const PICTURES: [(&str, &[&str], Option<&str>); 8] = [
    // Mail goes to the first host, but not to the second.
    ("good.test", &["zone-root", "zone-test", "zone-good.test", "mx-good.test", "a-right.good.test", "certificate-presented-by-right"], Some("certificate-presented-by-a-very-long-name")),
    ("bad.test", &["zone-bad.test", "mx-bad.test", "zone-good.test", "tlsa-_"], Some("certificate-presented-by-a-very-long-name")),
    ("bogus.test", &["zone-root", "zone-test", "mx-bogus.test"], Some("zone-bogus.test")),
    ("open.test", &["zone-test", "mx-open.test"], Some("zone-open.test")),
    ("forged.test", &["zone-test", "zone-forged.test"], Some("mx-forged.test")),
    ("old.test", &["zone-old.test", "mx-old.test", "a-mx.old.test", "server-mx.old.test"], Some("tlsa-_")),
    ("plain.test", &["mx-plain.test", "a-mx.plain.test", "tlsa-_"], Some("server-mx.plain.test")),
    ("alias.test", &["mx-alias.test", "cname-mx.alias.test", "a-right.good.test", "certificate-presented-by-mx.alias.test"], None),
];

#[test]
fn browsers_show_the_chain_and_where_it_breaks() {
    let stage = Stage::new();
    let domains = PICTURES.map(|(domain, ..)| domain);
    let validated = stage.page(&[&VALIDATE[..], &domains].concat());
    let believed = stage.page(&["--dnssec", "ad", "bad.test"]);
    let views = [1280, 390].map(|width| {
        [
            View {
                page: &validated,
                width,
            },
            View {
                page: &believed,
                width,
            },
        ]
    });
    let measured = browser::measure(views.as_flattened());
    for (view, seen) in views.as_flattened().iter().zip(&measured) {
        let width = view.width;
        assert_eq!(seen.width, width, "the window of the page");
        assert!(
            seen.scroll_width <= width,
            "at {width} the page is {} wide",
            seen.scroll_width
        );
        assert!(seen.title_is_ours, "no script of a server has run");
        assert_texts_are_apart(seen);
    }
    for seen in [&measured[0], &measured[2]] {
        for (number, (domain, nodes, broken)) in PICTURES.iter().enumerate() {
            let prefix = format!("s{}-", number + 1);
            let has = |id: &str| {
                seen.nodes
                    .iter()
                    .any(|node| node.id.starts_with(&format!("{prefix}{id}")))
            };
            for id in *nodes {
                assert!(has(id), "{domain}: no node {id} in {:?}", seen.nodes);
            }
            let links = seen
                .links
                .iter()
                .filter(|link| link.to.starts_with(&prefix));
            let broken_ones: Vec<_> = links.filter(|link| link.bond == "broken").collect();
            assert_eq!(
                broken_ones.len(),
                usize::from(broken.is_some()),
                "{domain}: {broken_ones:?}"
            );
            for (link, expected) in broken_ones.iter().zip(broken) {
                assert!(
                    link.to.starts_with(&format!("{prefix}{expected}")),
                    "{domain}: {link:?}"
                );
                assert!(is_red(link.colour), "{domain}: {link:?}");
            }
        }
        let sound = seen.links.iter().filter(|link| link.bond == "proven");
        assert!(sound.clone().count() > 8, "{:?}", seen.links);
        assert!(
            sound.clone().all(|link| !is_red(link.colour)),
            "{:?}",
            seen.links
        );
    }
    let believed = &measured[1];
    assert!(
        believed
            .nodes
            .iter()
            .any(|node| node.id.starts_with("s1-resolver-127.0.0.1"))
    );
    assert_eq!(
        believed
            .links
            .iter()
            .filter(|link| link.bond == "broken")
            .count(),
        1
    );
}

const fn is_red((red, green, blue): (u8, u8, u8)) -> bool {
    red > 150 && green < 130 && blue < 130
}

/// Every node lies on the page and every text in its node or above it; no text covers another.
fn assert_texts_are_apart(seen: &Measured) {
    assert!(seen.nodes.len() > 5 && seen.texts.len() > 20, "{seen:?}");
    for node in &seen.nodes {
        let area = &node.area;
        let is_inside = area.left >= 0.0
            && area.right <= f64::from(seen.width)
            && area.right - area.left > 100.0;
        assert!(
            is_inside && area.bottom > area.top,
            "{node:?} of {}",
            seen.width
        );
    }
    for (number, text) in seen.texts.iter().enumerate() {
        let area = &text.area;
        assert!(
            area.left >= 0.0 && area.right <= f64::from(seen.width),
            "{text:?}"
        );
        for other in &seen.texts[number + 1..] {
            assert!(!area.covers(&other.area), "{text:?} covers {other:?}");
        }
    }
}

/// Nothing is loaded from anywhere and nothing of others is markup.
#[test]
fn pages_are_whole_and_harmless() {
    let stage = Stage::new();
    let page = stage.page(&[&VALIDATE[..], &["good.test", "a@bad.test"]].concat());
    for part in [
        "://", "<script", "src=", "url(", "@import", "<i>", "<link", "onload", "a@bad",
    ] {
        assert!(!page.contains(part), "{part} in\n{page}");
    }
    for part in [
        "<!doctype html>\n<html lang=\"en\">",
        "default-src 'none'; style-src 'unsafe-inline'",
        "prefers-color-scheme: dark",
        "<a href=\"#s2\">bad.test</a>",
        "id=\"s1\" data-verdict=\"deliver\" data-reason=\"ok\"",
        "id=\"s2\" data-verdict=\"defer\" data-reason=\"validation-failure\"",
        "220 wrong &lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;",
        "CN=&lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;\\u{202e}漢字",
        "<b>C</b> STARTTLS",
        "IN TLSA 3 1 1 ",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
}

#[test]
fn pages_are_written_in_full_or_not_at_all() {
    let stage = Stage::new();
    let directory = stage.directory.path();
    let missing = directory.join("missing/page.html");
    for path in [missing.as_path(), directory] {
        let path = path.to_str().expect("UTF-8");
        let Output { status, stderr, .. } =
            stage.gateway.run(&["check", "--html", path, "bogus.test"]);
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(74), "{said}");
        let begin = format!("gateway check: cannot write the page to {path}: ");
        assert!(
            said.starts_with(&begin) && said.lines().count() == 1,
            "{said}"
        );
    }
    // What was there is replaced, and nothing else is left behind.
    fs::write(directory.join("page.html"), "old").expect("a writable directory");
    assert!(stage.page(&["bogus.test"]).ends_with("</html>\n"));
    let files = fs::read_dir(directory).expect("readable");
    let names = files.map(|file| {
        file.expect("a file")
            .file_name()
            .into_string()
            .expect("UTF-8")
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["anchor", "page.html"]);
}

#[test]
fn pages_name_the_one_thing_to_mend() {
    let stage = Stage::new();
    let mends = [
        ("bad.test", "publish <code>_"),
        ("bogus.test", "sign zone bogus.test. anew; "),
        (
            "open.test",
            "sign zone open.test. and have its DS record published in test.",
        ),
        ("forged.test", "sign zone forged.test. anew; "),
        ("old.test", "sign zone old.test. anew, and see why"),
        ("plain.test", "mx.plain.test has no TLSA record; "),
    ];
    let page = stage.page(&[&VALIDATE[..], &mends.map(|(domain, _)| domain)].concat());
    let sections: Vec<&str> = page.split("<section ").skip(1).collect();
    assert_eq!(sections.len(), mends.len());
    for (section, (domain, mend)) in sections.iter().zip(mends) {
        let (_, rest) = section.split_once("<dt>mend</dt>").expect(domain);
        let (text, _) = rest.split_once("</dd>").expect(domain);
        assert!(text.contains(mend), "{domain}: {text}");
    }
}

/// What a level does not demand breaks no chain, but is no proof either.
#[test]
fn other_levels_draw_what_is_not_proven() {
    let stage = Stage::new();
    let page = stage.page(&[&VALIDATE[..], &["-l", "encrypt", "open.test"]].concat());
    assert!(page.contains("data-verdict=\"deliver\""), "{page}");
    assert!(!page.contains("data-bond=\"broken\""), "{page}");
    for kind in ["zone", "rrset", "certificate"] {
        let node = format!("data-kind=\"{kind}\"");
        let mut nodes = page
            .split("<g class=\"node ")
            .filter(|node_of| node_of.contains(&node));
        assert!(
            nodes.any(|node| node.contains("data-bond=\"unproven\"")),
            "{kind}\n{page}"
        );
    }
}

/// Without a resolver there is nothing to draw but that.
#[test]
fn pages_say_that_nobody_has_answered() {
    let stage = Stage::new();
    // Nobody listens there.
    for mode in ["validate", "ad"] {
        let page = stage.page(&["--dnssec", mode, "-s", "127.0.0.1:1", "good.test"]);
        assert!(page.contains("data-kind=\"resolver\""), "{page}");
        assert_eq!(
            page.matches("data-bond=\"broken\"").count(),
            2,
            "card and line\n{page}"
        );
        assert!(page.contains("cannot be reached"), "{page}");
    }
}
