use super::*;
use crate::filter::{Chain, Filtered, Refusal};
use crate::smtp::ReversePath;

fn run(patterns: &str, message: &str) -> Result<Filtered, Refusal> {
    let words = format!("block-attachment {patterns}");
    let words = words.split(' ').map(str::to_owned).collect();
    let chain = Chain::new(&[words]).expect("a filter");
    let envelope = Envelope {
        sender: ReversePath::Null,
        recipients: Vec::new(),
        eight_bit: false,
    };
    chain.run(&envelope, message.as_bytes().to_vec())
}

fn filtered(patterns: &str, message: &str) -> (String, Vec<String>) {
    let filtered = run(patterns, message).expect("no refusal");
    let message = String::from_utf8(filtered.message).expect("UTF-8");
    (message, filtered.changes)
}

/// A multipart with a text, a part with the given fields, and a picture.
fn with_part(fields: &str) -> String {
    format!(
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\npreamble\r\n\
         --=_b\r\n\r\ntext\r\n--=_b\r\n{fields}\r\n\r\nAAAA\r\n--=_b\r\nContent-Type: image/gif; name=p.gif\r\n\r\nR0lG\r\n\
         --=_b--\r\nepilogue"
    )
}

fn notice(name: &str, media_type: &str, size: usize, why: &str) -> String {
    format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: inline\r\n\r\n\
         An attachment was removed from this message on its way, by the filter\r\nblock-attachment of a mail gateway.\r\n\r\n\
         File name: {name}\r\nType: {media_type}\r\nSize: {size} octets\r\nReason: {why}"
    )
}

#[test]
fn the_part_is_replaced_and_nothing_else_is() {
    let fields = "Content-Type: application/x-dosexec\r\nX-Other: kept\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=setup.exe";
    let message = with_part(fields);
    let (found, changes) = filtered("*.com *.exe", &message);
    let why = "its name matches the pattern *.exe";
    let notice = notice("setup.exe", "application/x-dosexec", 3, why);
    let expected = message.replace(
        &format!("{fields}\r\n\r\nAAAA"),
        &format!("X-Other: kept\r\n{notice}"),
    );
    assert_eq!(found, expected);
    assert_eq!(
        changes,
        [format!("block-attachment: removed \"setup.exe\" ({why})")]
    );
    assert_eq!(
        filtered("*.com *.exe", &found),
        (found, vec![]),
        "once is enough"
    );
}

#[test]
fn tricks_with_names_do_not_help() {
    for fields in [
        "Content-Type: application/octet-stream; name=a.exe",
        "Content-Type: application/octet-stream; NAME = \"A.EXE\"",
        "Content-Disposition: attachment;\r\n filename=\"a.exe\"",
        "content-disposition: attachment; filename=a.exe",
        "Content-Disposition : attachment; filename=a.exe",
        "Content-Disposition: attachment; filename=\"a.exe.\"",
        "Content-Disposition: attachment; filename=\"a.exe . . \"",
        "Content-Disposition: attachment; filename=\"a.exe\t\"",
        "Content-Disposition: attachment; filename=\"a.e\u{200b}xe\"",
        "Content-Disposition: attachment; filename=\"\u{202e}a.exe\"",
        "Content-Disposition: attachment; filename=\"a.exe::$DATA\"",
        "Content-Disposition: attachment; filename=\"..\\..\\a.exe\"",
        "Content-Disposition: attachment; filename=\"a.exe",
        "Content-Disposition: attachment; filename=\"a.txt\".exe",
        "Content-Disposition: attachment; filename=my a.exe",
        "Content-Disposition: attachment; filename=(x)a.exe",
        "Content-Disposition: attachment; filename=a.exe (x)",
        "Content-Disposition: attachment; filename*=utf-8''%61%2E%65%78%65",
        "Content-Disposition: attachment; filename*0=a; filename*1=.exe",
        "Content-Disposition: attachment; filename*1=.exe; filename*0=a",
        "Content-Disposition: attachment; filename*0*=utf-8'en'a%2e; filename*1=exe",
        "Content-Disposition: attachment; filename*0=a.exe; filename*2=.txt",
        "Content-Disposition: attachment; filename*0=a.txt; filename*2=.exe",
        "Content-Disposition: attachment; filename*=utf-7''a+AC4-exe",
        "Content-Disposition: attachment; filename=\"=?utf-8?B?YS5leGU=?=\"",
        "Content-Disposition: attachment; filename==?utf-8?B?YS5leGU=?=",
        "Content-Disposition: attachment; filename=\"=?utf-8?Q?a=2E?= =?utf-8?Q?exe?=\"",
        "Content-Disposition: attachment; filename=\"=?us-ascii?q?a.?=exe\"",
        "Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.exe",
        "Content-Type: text/plain; name=a.exe\r\nContent-Disposition: attachment; filename=a.txt",
        "Content-Disposition: attachment; filename=a.txt\r\nContent-Disposition: attachment; filename=a.exe",
        "Content-Disposition: attachment; filename=a.txt; filename=a.exe",
        "Content-Disposition: inline; name=a.exe",
        "Content-Type: text/html; name=a.exe\r\nContent-Disposition: inline",
        "Content-Type: message/rfc822; name=a.exe",
        "Content-Type: multipart/mixed; boundary=x; name=a.exe",
    ] {
        let message = with_part(fields);
        let (found, changes) = filtered("*.exe", &message);
        assert_eq!(changes.len(), 1, "{fields}");
        assert!(!found.contains("AAAA"), "{fields}");
        let (before, after) = message.split_once(fields).expect("the part");
        let after = after.strip_prefix("\r\n\r\nAAAA").expect("its body");
        assert!(
            found.starts_with(before) && found.ends_with(after),
            "{fields}"
        );
    }
}

#[test]
fn harmless_parts_stay() {
    for fields in [
        "Content-Type: application/octet-stream",
        "Content-Disposition: attachment; filename=a.exe.txt",
        "Content-Disposition: attachment; filename=exe",
        "Content-Disposition: attachment; filename*=iso-8859-2''%E1.txt",
        "Content-Description: a.exe",
        "X-File: filename=a.exe",
    ] {
        let message = with_part(fields);
        assert_eq!(filtered("*.exe", &message), (message, vec![]), "{fields}");
    }
}

#[test]
fn the_whole_message_may_be_the_attachment() {
    let message = "Subject: x\r\nContent-Type: application/zip; name=\"r\u{e4}.zip\"\r\nContent-Transfer-Encoding: base64\r\n\
        Content-ID: <1>\r\nX: y\r\n\r\nUEsD\r\n";
    let (found, _) = filtered("*.zip", message);
    let header = "Subject: x\r\nX: y\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\nContent-Disposition: inline\r\n\r\nAn attachment";
    assert!(found.starts_with(header), "{found}");
    assert!(
        found.contains("File name: r=C3=A4.zip\r\n") && found.ends_with("*.zip\r\n"),
        "{found}"
    );
    let (found, _) = filtered("*.zip", "Content-Disposition: attachment; filename=a.zip");
    assert!(
        found.starts_with("MIME-Version: 1.0\r\nContent-Type: text/plain"),
        "{found}"
    );
}

#[test]
fn messages_within_messages_are_looked_into() {
    let inner =
        with_part("Content-Disposition: attachment; filename=a.exe").replace("=_b", "=_inner");
    let message = with_part("Content-Type: message/rfc822").replace("AAAA", &inner);
    let (found, changes) = filtered("*.exe", &message);
    assert_eq!(changes.len(), 1);
    let (inner_after, _) = filtered("*.exe", &inner);
    assert_eq!(found, message.replace(&inner, &inner_after));

    let single = "Content-Type: a/b; name=a.exe\r\n\r\nAAAA";
    let (found, _) = filtered(
        "*.exe",
        &with_part("Content-Type: message/rfc822").replace("AAAA", single),
    );
    assert!(
        found.contains("message/rfc822\r\n\r\nMIME-Version: 1.0\r\nContent-Type: text/plain"),
        "{found}"
    );
}

#[test]
fn encoded_messages_go_as_a_whole() {
    // Subject: x, a part with a name, LF line ends.
    let encoded = "U3ViamVjdDogeApDb250ZW50LVR5cGU6IGEvYjsgbmFtZT1hLmV4ZQoKQUFBQQo=";
    let fields = "Content-Type: message/rfc822; name=f.eml\r\nContent-Transfer-Encoding: base64";
    let message = with_part(fields).replace("AAAA", encoded);
    let (found, _) = filtered("*.exe", &message);
    let why = "it holds \"a.exe\" (its name matches the pattern *.exe)";
    assert!(
        found.contains(&notice("f.eml", "message/rfc822", 47, why)),
        "{found}"
    );
    assert_eq!(filtered("*.zip", &message).0, message);
    let quoted = "Content-Type: a/b; name=3Da.=\r\nexe\r\n\r\nAAAA";
    let message = with_part(&fields.replace("base64", "quoted-printable")).replace("AAAA", quoted);
    assert_eq!(filtered("*.exe", &message).1.len(), 1);
}

#[test]
fn several_parts_are_counted() {
    let part = "--=_b\r\nContent-Type: a/b; name=x.exe\r\n\r\nAAAA\r\n";
    let message = with_part("X: y").replacen("--=_b\r\n", &part.repeat(8), 1);
    let (found, changes) = filtered("x*", &message);
    assert!(
        !found.contains("x.exe\r\n\r\n") && changes[0].ends_with(" and 3 more"),
        "{changes:?}"
    );
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(100);
    for (message, text) in [
        (with_part("Content-Type: multipart/mixed"), "boundary"),
        (
            with_part("Content-Type: message/partial; id=x"),
            "message/partial",
        ),
        (
            with_part("Content-Type: multipart/x; boundary==_b"),
            "boundary",
        ),
        (
            with_part("X: y").replace("epilogue", "--=_b\r\n\r\nx"),
            "after its last",
        ),
        (
            with_part("junk\r\nContent-Disposition: attachment; filename=a.exe"),
            "no header field",
        ),
        (
            with_part("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: x-gzip"),
            "encoding",
        ),
        (deep, "40 deep"),
    ] {
        let refusal = run("*.exe", &message).expect_err("refused");
        assert_eq!(refusal.status, EnhancedStatus::new(5, 6, 0));
        assert!(
            refusal.text.contains(text) && refusal.text.is_ascii(),
            "{refusal}"
        );
    }
}

#[test]
fn nests_of_encoded_messages_are_bounded() {
    let mut message = "Content-Type: a/b; name=a.exe\r\n\r\nx".to_owned();
    let fields =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    for _ in 0..ENCODED_DEPTH_MAX {
        let quoted = transfer::encode_quoted_printable(message.as_bytes());
        message = format!("{fields}{}", String::from_utf8_lossy(&quoted));
    }
    assert_eq!(filtered("*.exe", &message).1.len(), 1);
    let quoted = transfer::encode_quoted_printable(message.as_bytes());
    message = format!("{fields}{}", String::from_utf8_lossy(&quoted));
    assert!(run("*.exe", &message).is_err());
}
