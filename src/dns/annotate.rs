//! An annotated hex dump of a packet: offset, octets, and what each field means, for people who want to see the DNS at work.
//!
//! Broken packets are annotated as far as they can be read; then one line says what is wrong, and the rest follows as plain octets.

mod data;
mod sheet;

use super::decode::Decoder;
use super::{Class, DecodeError, Fault, Message, Name, Opcode, OptionCode, Rcode, RecordType};
use sheet::Sheet;

/// Octets of a client cookie; a server cookie may follow (RFC 7873 §4).
const CLIENT_COOKIE: usize = 8;

/// Annotates the octets of one message, one line a field.
pub fn annotate(octets: &[u8]) -> String {
    let mut sheet = Sheet::new(octets);
    // The decoder has the last word: it minds rules that show in no single field, such as a second OPT record.
    let read = message(&mut sheet).and_then(|()| Message::decode(octets).map(drop));
    if let Err(error) = read {
        sheet.note(&format!("{:04x}: {error}", error.offset));
    }
    sheet.rest();
    sheet.into_text()
}

type Step = Result<(), DecodeError>;

fn message(sheet: &mut Sheet<'_>) -> Step {
    sheet.note("Header");
    sheet.u16(|id| format!("id {id}"))?;
    sheet.u16(|flags| format!("flags: {}", describe_flags(flags)))?;
    let mut counts = [0; 4];
    let sections = [
        "questions",
        "answers",
        "authority records",
        "additional records",
    ];
    for (count, what) in counts.iter_mut().zip(sections) {
        *count = sheet.u16(|count| format!("{what}: {count}"))?;
    }
    let [questions, answers, authorities, additionals] = counts;
    for _ in 0..questions {
        sheet.note("Question");
        sheet.name("name")?;
        sheet.u16(|rtype| format!("type {}", RecordType(rtype)))?;
        sheet.u16(|class| format!("class {}", Class(class)))?;
    }
    for (count, title) in [
        (answers, "Answer"),
        (authorities, "Authority"),
        (additionals, "Additional"),
    ] {
        for number in 1..=count {
            sheet.note(&format!("{title} {number} of {count}"));
            record(sheet)?;
        }
    }
    match sheet.remaining() {
        0 => Ok(()),
        _ => Err(sheet.error(Fault::TrailingOctets)),
    }
}

/// Each flag by its name and meaning (RFC 1035 §4.1.1, RFC 4035 §3.1.6 and §3.2).
fn describe_flags(flags: u16) -> String {
    let named = [
        (0x0400, "AA authoritative"),
        (0x0200, "TC truncated"),
        (0x0100, "RD recursion desired"),
        (0x0080, "RA recursion available"),
        (0x0040, "Z reserved"),
        (0x0020, "AD authentic data"),
        (0x0010, "CD checking disabled"),
    ];
    let [high, low] = flags.to_be_bytes();
    let kind = if flags & 0x8000 == 0 {
        "query"
    } else {
        "QR response"
    };
    let mut words = vec![
        kind.to_owned(),
        format!("opcode {}", Opcode(high >> 3 & 15)),
    ];
    let set = named.iter().filter(|(bit, _)| flags & bit != 0);
    words.extend(set.map(|(_, name)| (*name).to_owned()));
    words.push(format!("rcode {}", Rcode(u16::from(low & 15))));
    words.join(", ")
}

fn record(sheet: &mut Sheet<'_>) -> Step {
    sheet.name("owner")?;
    let rtype = RecordType(sheet.u16(|rtype| format!("type {}", RecordType(rtype)))?);
    if rtype == RecordType::OPT {
        return opt(sheet);
    }
    let class = Class(sheet.u16(|class| format!("class {}", Class(class)))?);
    sheet.u32(|ttl| format!("TTL {ttl} seconds"))?;
    let length = sheet.u16(|length| format!("{length} octets of data"))?;
    sheet.within(usize::from(length), |sheet| {
        data::annotate(sheet, rtype, class)
    })
}

/// OPT uses the fields of a record for other things (RFC 6891 §6.1.2).
fn opt(sheet: &mut Sheet<'_>) -> Step {
    sheet.u16(|size| format!("takes UDP messages of up to {size} octets"))?;
    sheet.u8(|high| format!("upper bits of the rcode: {high}"))?;
    sheet.u8(|version| format!("EDNS version {version}"))?;
    sheet.u16(|flags| match flags & 0x8000 {
        0 => "flags: DO clear, no DNSSEC records wanted".to_owned(),
        _ => "flags: DO DNSSEC OK, signatures wanted".to_owned(),
    })?;
    let length = sheet.u16(|length| format!("{length} octets of options"))?;
    sheet.within(usize::from(length), |sheet| {
        while sheet.remaining() > 0 {
            option(sheet)?;
        }
        Ok(())
    })
}

fn option(sheet: &mut Sheet<'_>) -> Step {
    let code = OptionCode(sheet.u16(|code| format!("option {}", OptionCode(code)))?);
    let length = sheet.u16(|length| format!("{length} octets"))?;
    sheet.within(usize::from(length), |sheet| match code {
        OptionCode::EXTENDED_ERROR if sheet.remaining() >= 2 => {
            sheet.u16(|code| format!("extended error {code}: {}", super::EdeCode(code)))?;
            sheet.text("its text")
        }
        OptionCode::PADDING => sheet.octets_left("padding"),
        OptionCode::COOKIE if sheet.remaining() >= CLIENT_COOKIE => {
            sheet.octets(CLIENT_COOKIE, "client cookie")?;
            sheet.octets_left("server cookie")
        }
        OptionCode::NSID => sheet.text("name of the server"),
        _ => sheet.octets_left("option data"),
    })
}

#[cfg(test)]
#[path = "annotate_tests.rs"]
mod tests;
