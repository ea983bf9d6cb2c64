//! RRsets: the records of a message put together by owner, class and type, each with the signatures that cover it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::limits::RECORDS_PER_MESSAGE;
use super::why::RrsetId;
use crate::dns::{Class, Name, Rdata, Record, RecordType, Rrsig};

/// The records of one owner, class and type (RFC 2181 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrset {
    /// Owner name.
    pub owner: Name,
    /// Class.
    pub class: Class,
    /// Type.
    pub rtype: RecordType,
    /// The least time to live of all the records and signatures, in seconds (RFC 4035 §5.3.3).
    pub ttl: u32,
    /// The data without duplicates, in canonical order (RFC 4034 §6.3); at least one.
    pub data: Vec<Rdata>,
    /// The signatures whose type covered is this type, in the order of the message.
    pub signatures: Vec<Rrsig>,
}

impl Rrset {
    /// Owner and type, for texts.
    pub fn id(&self) -> RrsetId {
        RrsetId {
            owner: self.owner.clone(),
            rtype: self.rtype,
        }
    }
}

/// Puts records together to RRsets, in the order in which each first appears. RRSIG records become signatures of what they cover; those that cover
/// nothing here are left out.
///
/// The work is linear in the number of records, of which at most [`RECORDS_PER_MESSAGE`] are looked at.
pub fn group(records: &[Record]) -> Vec<Rrset> {
    let mut sets: Vec<Rrset> = Vec::new();
    let mut places = HashMap::new();
    for record in records.iter().take(RECORDS_PER_MESSAGE) {
        if record.rtype() == RecordType::RRSIG {
            continue;
        }
        match places.entry((&record.name, record.class, record.rtype())) {
            Entry::Vacant(vacant) => {
                vacant.insert(sets.len());
                sets.push(Rrset {
                    owner: record.name.clone(),
                    class: record.class,
                    rtype: record.rtype(),
                    ttl: record.ttl,
                    data: vec![record.data.clone()],
                    signatures: Vec::new(),
                });
            }
            Entry::Occupied(occupied) => {
                if let Some(set) = sets.get_mut(*occupied.get()) {
                    set.ttl = set.ttl.min(record.ttl);
                    set.data.push(record.data.clone());
                }
            }
        }
    }
    for record in records.iter().take(RECORDS_PER_MESSAGE) {
        let Rdata::Rrsig(rrsig) = &record.data else {
            continue;
        };
        let place = places.get(&(&record.name, record.class, rrsig.type_covered));
        if let Some(set) = place.and_then(|&place| sets.get_mut(place)) {
            set.ttl = set.ttl.min(record.ttl);
            set.signatures.push(rrsig.clone());
        }
    }
    for set in &mut sets {
        order(&mut set.data);
    }
    sets
}

/// Canonical order without duplicates (RFC 4034 §6.3).
fn order(data: &mut Vec<Rdata>) {
    if data.len() > 1 {
        data.sort_by_cached_key(Rdata::canonical);
        data.dedup_by_key(|data| data.canonical());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zonefile;

    fn grouped(text: &str) -> Vec<Rrset> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        group(&zonefile::parse(&lines.join("\n"), &Name::root()).unwrap())
    }

    #[test]
    fn records_are_put_together_with_their_signatures() {
        let sets = grouped(
            "b.example. 300 MX 20 two.example.
             b.example. 200 RRSIG MX 13 2 300 20261222235244 20261124235244 7 example. AAAA
             a.example. 100 A 192.0.2.1
             B.Example. 250 MX 10 One.example.
             b.example. 400 MX 20 TWO.example.
             b.example. 400 RRSIG A 13 2 300 20261222235244 20261124235244 8 example. AAAA
             b.example. 300 RRSIG MX 13 2 300 20261222235244 20261124235244 9 example. AAAA
             b.example. 300 TXT x",
        );
        let ids: Vec<String> = sets.iter().map(|set| set.id().to_string()).collect();
        assert_eq!(ids, ["b.example. MX", "a.example. A", "b.example. TXT"]);
        let mx = &sets[0];
        assert_eq!(mx.ttl, 200);
        let data: Vec<String> = mx.data.iter().map(ToString::to_string).collect();
        assert_eq!(data, ["10 One.example.", "20 two.example."]);
        let tags: Vec<u16> = mx.signatures.iter().map(|rrsig| rrsig.key_tag).collect();
        assert_eq!(tags, [7, 9]);
        assert!(sets[1].signatures.is_empty());
    }

    /// RFC 4034 §6.3: data are compared as octets, so a shorter one precedes what continues it.
    #[test]
    fn data_are_in_canonical_order() {
        let sets = grouped(
            "x.example. TXT b\nx.example. TXT aa\nx.example. TXT a\nx.example. TXT a a\n\
             x.example. A 192.0.2.200\nx.example. A 10.0.0.1\nx.example. CLASS3 TXT z",
        );
        let data = |number: usize| sets[number].data.iter().map(ToString::to_string);
        let texts = ["\"a\"", "\"a\" \"a\"", "\"b\"", "\"aa\""];
        assert_eq!(data(0).collect::<Vec<_>>(), texts);
        assert_eq!(data(1).collect::<Vec<_>>(), ["10.0.0.1", "192.0.2.200"]);
        assert_eq!(sets[2].class, Class::CH);
    }

    #[test]
    fn more_than_a_message_holds_is_not_looked_at() {
        let record = &zonefile::parse("x.example. A 192.0.2.1", &Name::root()).unwrap()[0];
        let mut records = vec![record.clone(); RECORDS_PER_MESSAGE];
        let mut other = record.clone();
        other.name = Name::parse("y.example.").unwrap();
        records.push(other);
        assert_eq!(group(&records).len(), 1);
    }
}
