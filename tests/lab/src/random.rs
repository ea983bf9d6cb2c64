//! Seeded choices and mutations for tests: the same in every run, so that a failure can be repeated.

/// A generator, xorshift64*: good enough to choose places and values.
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.max(1))
    }

    /// The next 64 bits.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: usize) -> usize {
        ((self.number() >> 33) as usize) % limit.max(1)
    }

    /// Changes `octets` in one to four places: bits, values, length octets, insertions, removals, copies, cuts.
    pub fn mutate(&mut self, octets: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if octets.is_empty() {
                octets.push(self.number() as u8);
                continue;
            }
            let at = self.below(octets.len());
            match self.below(9) {
                0 => octets[at] ^= 1 << self.below(8),
                1 => octets[at] = self.number() as u8,
                2 => octets[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff][self.below(8)],
                3 => octets.insert(at, self.number() as u8),
                4 => drop(octets.remove(at)),
                5 => octets.truncate(at),
                6 => octets[at] = octets[at].wrapping_add(1),
                7 => octets[at] = octets[at].wrapping_sub(1),
                _ => {
                    let from = self.below(octets.len());
                    let count = self
                        .below(16)
                        .min(octets.len() - from)
                        .min(octets.len() - at);
                    octets.copy_within(from..from + count, at);
                }
            }
        }
    }
}
