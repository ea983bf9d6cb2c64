//! A corpus of zones, sound and broken in every way that matters, and what validation is to make of each; Unbound has a say in most.
//!
//! All cases live in one world below one root, each in a zone of its own (`case.rs`). They are asked of the chain machine itself, with the
//! answers that the lab's resolver gives under CD=1 (`chain.rs`), and of `gateway query` over sockets (`command.rs`).

mod algorithms;
mod aliases;
mod budgets;
mod case;
mod chain;
mod command;
mod delegations;
mod denial;
mod edits;
mod forged;
mod keys;
mod signatures;
mod unbound;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use gateway_lab::World;

use case::Case;

/// The table.
fn cases() -> Vec<Case> {
    let groups = [
        algorithms::cases(),
        keys::cases(),
        signatures::cases(),
        denial::cases(),
        delegations::cases(),
        aliases::cases(),
        budgets::cases(),
        forged::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// The table, and the one world in which all its zones are.
fn corpus() -> &'static (Vec<Case>, World) {
    static CORPUS: LazyLock<(Vec<Case>, World)> = LazyLock::new(|| {
        let mut cases = cases();
        let world = world(&mut cases);
        (cases, world)
    });
    &CORPUS
}

fn world(cases: &mut [Case]) -> World {
    let mut builder = World::builder();
    for case in cases {
        builder = builder.zone(case.zone.clone());
        for zone in case.others.drain(..) {
            builder = builder.zone(zone);
        }
        for (owner, rtype, change) in case.edits.drain(..) {
            builder = builder.edit(&owner, rtype, change);
        }
    }
    builder.start()
}

#[test]
fn the_table_is_long_and_has_no_case_twice() {
    let (cases, _) = corpus();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 200, "{} cases", cases.len());
}
