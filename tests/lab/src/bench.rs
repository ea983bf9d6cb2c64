//! Measuring for the benches, each on one thread: in CPU time, and contenders in turn in one run, so that a busy machine harms little and hits all alike.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// Rounds of a measurement.
pub const ROUNDS: usize = 15;
/// One measurement lasts at least this long, so that the clock's grain does not matter.
const MEASUREMENT: Duration = Duration::from_millis(60);
/// Calls between two looks at the clock take at most about this long.
const GRAIN: Duration = Duration::from_micros(100);

/// What came of contenders measured in turn; medians over all rounds.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Calls of each in one second of CPU time.
    pub rates: Vec<f64>,
    /// The first one's rate over each one's, from the rates of one round each time.
    pub ratios: Vec<f64>,
}

/// Measures the contenders in turn.
pub fn in_turn(contenders: &mut [&mut dyn FnMut()]) -> Rates {
    let batches: Vec<u32> = contenders.iter_mut().map(|call| batch(call)).collect();
    let rounds: Vec<Vec<f64>> = (0..ROUNDS)
        .map(|_| {
            let calls = contenders.iter_mut().zip(&batches);
            calls.map(|(call, batch)| rate(call, *batch)).collect()
        })
        .collect();
    let median_of = |value: &dyn Fn(&[f64]) -> f64| {
        let values = rounds.iter().map(|round| value(round));
        median(values.collect())
    };
    let places = 0..contenders.len();
    Rates {
        rates: places
            .clone()
            .map(|place| median_of(&|round| round[place]))
            .collect(),
        ratios: places
            .map(|place| median_of(&|round| round[0] / round[place]))
            .collect(),
    }
}

/// How many calls take about as long as the grain; the first call is not counted.
fn batch(call: &mut dyn FnMut()) -> u32 {
    call();
    let (start, mut calls) = (Instant::now(), 0);
    while start.elapsed() < GRAIN {
        call();
        calls += 1;
    }
    calls
}

/// Calls per second of CPU time in one measurement.
fn rate(call: &mut dyn FnMut(), batch: u32) -> f64 {
    let (start, mut calls) = (Instant::now(), 0);
    let before = cpu_time();
    while start.elapsed() < MEASUREMENT {
        for _ in 0..batch {
            call();
        }
        calls += batch;
    }
    f64::from(calls) / (cpu_time() - before).as_secs_f64()
}

/// The value in the middle.
///
/// # Panics
/// When there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The CPU time that this thread used so far.
///
/// # Panics
/// Where the kernel does not say.
pub fn cpu_time() -> Duration {
    // Linux counts when it looks whose turn it is, and else only with its clock, every few milliseconds.
    thread::yield_now();
    let text =
        fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel that counts");
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number first"))
}
