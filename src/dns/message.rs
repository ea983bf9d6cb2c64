//! DNS messages (RFC 1035 §4).

use super::decode::Decoder;
use super::encode::Encoder;
use super::{
    Class, DecodeError, EdeCode, Edns, EdnsOption, Fault, Name, Opcode, Rcode, Record, RecordType,
    edns,
};

/// Longest message: what the length before it on TCP can say (RFC 1035 §4.2.2).
pub const MESSAGE_LIMIT: usize = 65_535;
/// The least octets a record takes: nothing is allocated for a count that promises more than fits.
const RECORD_MIN: usize = 11;

/// The header's id and flags; counts follow from the sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct Header {
    pub id: u16,
    pub response: bool,
    pub opcode: Opcode,
    pub authoritative: bool,
    pub truncated: bool,
    pub recursion_desired: bool,
    pub recursion_available: bool,
    pub authentic_data: bool,
    pub checking_disabled: bool,
    /// The low four bits of the response code; see [`Message::rcode`].
    pub rcode: Rcode,
}

impl Header {
    const RESPONSE: u16 = 0x8000;
    const AUTHORITATIVE: u16 = 0x0400;
    const TRUNCATED: u16 = 0x0200;
    const RECURSION_DESIRED: u16 = 0x0100;
    const RECURSION_AVAILABLE: u16 = 0x0080;
    const AUTHENTIC_DATA: u16 = 0x0020;
    const CHECKING_DISABLED: u16 = 0x0010;

    /// A query's header: RD set, all else clear.
    pub const fn query(id: u16) -> Self {
        Self::from_flags(id, Self::RECURSION_DESIRED)
    }

    const fn from_flags(id: u16, flags: u16) -> Self {
        let [high, _] = flags.to_be_bytes();
        Self {
            id,
            response: flags & Self::RESPONSE != 0,
            opcode: Opcode(high >> 3 & 0x0F),
            authoritative: flags & Self::AUTHORITATIVE != 0,
            truncated: flags & Self::TRUNCATED != 0,
            recursion_desired: flags & Self::RECURSION_DESIRED != 0,
            recursion_available: flags & Self::RECURSION_AVAILABLE != 0,
            authentic_data: flags & Self::AUTHENTIC_DATA != 0,
            checking_disabled: flags & Self::CHECKING_DISABLED != 0,
            rcode: Rcode(flags & 0x0F),
        }
    }

    fn flags(&self) -> u16 {
        let bits = [
            (self.response, Self::RESPONSE),
            (self.authoritative, Self::AUTHORITATIVE),
            (self.truncated, Self::TRUNCATED),
            (self.recursion_desired, Self::RECURSION_DESIRED),
            (self.recursion_available, Self::RECURSION_AVAILABLE),
            (self.authentic_data, Self::AUTHENTIC_DATA),
            (self.checking_disabled, Self::CHECKING_DISABLED),
        ];
        let set = bits.iter().filter(|(is_set, _)| *is_set);
        let flags = set.fold(0, |flags, (_, bit)| flags | bit);
        flags | u16::from(self.opcode.0 & 0x0F) << 11 | self.rcode.0 & 0x0F
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name, case kept.
    pub name: Name,
    /// Type asked for.
    pub rtype: RecordType,
    /// Class.
    pub class: Class,
}

/// A whole message; the OPT record is held apart in `edns`, not in `additionals`. The header's Z bit is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Message {
    pub header: Header,
    pub questions: Vec<Question>,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    pub additionals: Vec<Record>,
    pub edns: Option<Edns>,
}

impl Message {
    /// A query with RD set: one question, id and EDNS as given.
    pub fn query(id: u16, question: Question, edns: Option<Edns>) -> Self {
        Self {
            header: Header::query(id),
            questions: vec![question],
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
            edns,
        }
    }

    /// Decodes a whole message; trailing octets are an error.
    ///
    /// # Errors
    /// [`DecodeError`] with the first octet that cannot be right.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        if octets.len() > MESSAGE_LIMIT {
            return Err(DecodeError {
                offset: MESSAGE_LIMIT,
                fault: Fault::MessageTooLong,
            });
        }
        let mut from = Decoder::message(octets);
        let header = Header::from_flags(from.u16()?, from.u16()?);
        let mut counts = [0; 4];
        for count in &mut counts {
            *count = from.u16()?;
        }
        let [questions, answers, authorities, additionals] = counts;
        let questions = (0..questions)
            .map(|_| read_question(&mut from))
            .collect::<Result<_, _>>()?;
        let answers = read_section(&mut from, answers, None)?;
        let authorities = read_section(&mut from, authorities, None)?;
        let mut edns = None;
        let additionals = read_section(&mut from, additionals, Some(&mut edns))?;
        from.finish(Fault::TrailingOctets)?;
        Ok(Self {
            header,
            questions,
            answers,
            authorities,
            additionals,
            edns,
        })
    }

    /// Encodes with name compression. What does not fit [`MESSAGE_LIMIT`] or its length field is left out, whole records at a time, and TC is set.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_within(MESSAGE_LIMIT)
    }

    /// Encodes to a multiple of `block` octets, filled up by a padding option behind the others (RFC 7830 §3, RFC 8467 §4.1). Without EDNS
    /// there is no place for it, and nothing is filled up.
    pub fn encode_padded(&self, block: usize) -> Vec<u8> {
        let padded = |octets| {
            let mut message = self.clone();
            let options = message.edns.as_mut().map(|edns| &mut edns.options);
            options
                .into_iter()
                .for_each(|options| options.push(EdnsOption::padding(octets)));
            message.encode()
        };
        let length = padded(0).len();
        padded(length.next_multiple_of(block.max(1)) - length)
    }

    /// Encodes into at most `limit` octets (at least header, question and OPT): when the records do not fit, TC is set and they are left out (RFC 2181 §9).
    pub fn encode_within(&self, limit: usize) -> Vec<u8> {
        let limit = limit.min(MESSAGE_LIMIT);
        let whole = self.encode_all();
        if let Some(octets) = whole.filter(|octets| octets.len() <= limit) {
            return octets;
        }
        let short = Self {
            header: Header {
                truncated: true,
                ..self.header
            },
            questions: self.questions.clone(),
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
            edns: self.edns.clone(),
        };
        let without_options = |edns: Edns| Edns {
            options: Vec::new(),
            ..edns
        };
        short
            .encode_all()
            .filter(|octets| octets.len() <= limit)
            .or_else(|| {
                let edns = self.edns.clone().map(without_options);
                Self { edns, ..short }.encode_all()
            })
            .unwrap_or_default()
    }

    /// The whole message; `None` if a length or count does not fit its field.
    fn encode_all(&self) -> Option<Vec<u8>> {
        let mut out = Encoder::message();
        out.u16(self.header.id);
        out.u16(self.header.flags());
        let additionals = self.additionals.len() + usize::from(self.edns.is_some());
        for count in [
            self.questions.len(),
            self.answers.len(),
            self.authorities.len(),
            additionals,
        ] {
            out.u16(u16::try_from(count).ok()?);
        }
        for question in &self.questions {
            out.name(&question.name);
            out.u16(question.rtype.0);
            out.u16(question.class.0);
        }
        let records = self.answers.iter().chain(&self.authorities);
        for record in records.chain(&self.additionals) {
            record.write(&mut out)?;
        }
        if let Some(edns) = &self.edns {
            edns.write(&mut out)?;
        }
        Some(out.into_octets())
    }

    /// The full response code, header and OPT put together (RFC 6891 §6.1.3).
    pub fn rcode(&self) -> Rcode {
        let high = self.edns.as_ref().map_or(0, |edns| edns.extended_rcode);
        Rcode(u16::from(high) << 4 | self.header.rcode.0 & 0x0F)
    }

    /// Sets the full response code; what exceeds four bits needs `edns`.
    pub fn set_rcode(&mut self, rcode: Rcode) {
        self.header.rcode = Rcode(rcode.0 & 0x0F);
        if let Some(edns) = &mut self.edns {
            edns.extended_rcode = u8::try_from(rcode.0 >> 4).unwrap_or(u8::MAX);
        }
    }

    /// The extended DNS errors (RFC 8914) with their texts.
    pub fn extended_errors(&self) -> Vec<(EdeCode, String)> {
        let options = self.edns.iter().flat_map(|edns| &edns.options);
        options
            .filter_map(edns::EdnsOption::as_extended_error)
            .collect()
    }
}

fn read_question(from: &mut Decoder<'_>) -> Result<Question, DecodeError> {
    Ok(Question {
        name: from.name()?,
        rtype: RecordType(from.u16()?),
        class: Class(from.u16()?),
    })
}

/// Reads the records of a section. An OPT record goes into `edns`: at most one, owned by the root, and only where there is such a place (RFC 6891 §6.1.1).
fn read_section(
    from: &mut Decoder<'_>,
    count: u16,
    mut edns: Option<&mut Option<Edns>>,
) -> Result<Vec<Record>, DecodeError> {
    let count = usize::from(count);
    let mut records = Vec::with_capacity(count.min(from.remaining() / RECORD_MIN));
    for _ in 0..count {
        let offset = from.position();
        let owner = from.name()?;
        let rtype = RecordType(from.u16()?);
        let class = from.u16()?;
        let ttl = from.u32()?;
        let length = from.u16()?;
        let data = from.sub(usize::from(length))?;
        if rtype != RecordType::OPT {
            records.push(Record::read((owner, rtype), Class(class), ttl, data)?);
            continue;
        }
        let fault = match edns.as_deref_mut() {
            None => Fault::OptMisplaced,
            Some(_) if !owner.is_root() => Fault::OptOwner,
            Some(Some(_)) => Fault::OptRepeated,
            Some(place) => {
                *place = Some(Edns::read(class, ttl, data)?);
                continue;
            }
        };
        return Err(DecodeError { offset, fault });
    }
    Ok(records)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
