//! EDNS(0): the OPT pseudo-record and its options (RFC 6891), among them extended DNS errors (RFC 8914).

use super::decode::Decoder;
use super::encode::Encoder;
use super::{DecodeError, EdeCode, Name, OptionCode, RecordType};

/// The DO bit in OPT's flags (RFC 3225 §3).
const DNSSEC_OK: u32 = 0x8000;

/// The OPT pseudo-record (RFC 6891 §6.1). The flag bits that mean nothing are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edns {
    /// UDP payload size in octets.
    pub udp_size: u16,
    /// High eight bits of the response code.
    pub extended_rcode: u8,
    /// Version, 0 is the only one defined.
    pub version: u8,
    /// DNSSEC OK.
    pub dnssec_ok: bool,
    /// Options in the order received.
    pub options: Vec<EdnsOption>,
}

/// One EDNS option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsOption {
    /// Option code.
    pub code: OptionCode,
    /// Option data.
    pub data: Vec<u8>,
}

impl EdnsOption {
    /// An extended DNS error with its text (RFC 8914 §2).
    pub fn extended_error(code: EdeCode, text: &str) -> Self {
        let mut data = code.0.to_be_bytes().to_vec();
        data.extend_from_slice(text.as_bytes());
        Self {
            code: OptionCode::EXTENDED_ERROR,
            data,
        }
    }

    /// What a query over a connection says: that the server may name how long it keeps idle connections (RFC 7828 §3.2.1).
    pub const fn keepalive() -> Self {
        Self {
            code: OptionCode::TCP_KEEPALIVE,
            data: Vec::new(),
        }
    }

    /// Padding of so many zero octets (RFC 7830 §3).
    pub fn padding(octets: usize) -> Self {
        Self {
            code: OptionCode::PADDING,
            data: vec![0; octets],
        }
    }

    /// How long the server keeps the connection when idle, in units of 100 ms, if this option says so (RFC 7828 §3.1).
    pub fn as_keepalive(&self) -> Option<u16> {
        let timeout = <[u8; 2]>::try_from(self.data.as_slice()).ok()?;
        (self.code == OptionCode::TCP_KEEPALIVE).then_some(u16::from_be_bytes(timeout))
    }

    /// The extended DNS error in this option, with its text, if it is one. Octets that are not UTF-8 are replaced, a final zero is dropped (RFC 8914 §2).
    pub fn as_extended_error(&self) -> Option<(EdeCode, String)> {
        if self.code != OptionCode::EXTENDED_ERROR {
            return None;
        }
        let (code, text) = self.data.split_first_chunk()?;
        let text = text.strip_suffix(&[0]).unwrap_or(text);
        Some((
            EdeCode(u16::from_be_bytes(*code)),
            String::from_utf8_lossy(text).into_owned(),
        ))
    }
}

impl Edns {
    /// What a query carries: the payload size in octets, version 0, DO as said, no options.
    pub const fn query(udp_size: u16, dnssec_ok: bool) -> Self {
        Self {
            udp_size,
            extended_rcode: 0,
            version: 0,
            dnssec_ok,
            options: Vec::new(),
        }
    }

    /// Reads the class, time to live and data of an OPT record.
    pub(super) fn read(class: u16, ttl: u32, mut data: Decoder<'_>) -> Result<Self, DecodeError> {
        let [extended_rcode, version, _, _] = ttl.to_be_bytes();
        let mut options = Vec::new();
        while data.remaining() > 0 {
            let code = OptionCode(data.u16()?);
            let length = data.u16()?;
            options.push(EdnsOption {
                code,
                data: data.octets(usize::from(length))?.to_vec(),
            });
        }
        Ok(Self {
            udp_size: class,
            extended_rcode,
            version,
            dnssec_ok: ttl & DNSSEC_OK != 0,
            options,
        })
    }

    /// Appends the OPT record; `None` if its options do not fit their length fields.
    pub(super) fn write(&self, out: &mut Encoder) -> Option<()> {
        let flags = if self.dnssec_ok { DNSSEC_OK } else { 0 };
        let [_, _, high, low] = flags.to_be_bytes();
        out.plain_name(&Name::root());
        out.u16(RecordType::OPT.0);
        out.u16(self.udp_size);
        out.octets(&[self.extended_rcode, self.version, high, low]);
        out.with_length(|out| {
            self.options.iter().try_for_each(|option| {
                out.u16(option.code.0);
                out.with_length(|out| {
                    out.octets(&option.data);
                    Some(())
                })
            })
        })
    }
}
