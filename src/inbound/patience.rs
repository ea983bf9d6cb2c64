//! By when a client must have sent what it is to send.

use std::time::Duration;

use super::Settings;
use super::limits::DATA_RATE_MIN;
use crate::time::Deadline;

/// How long we still wait.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// For one command, from the reply to the one before to its last octet.
    Command(Deadline),
    /// For one message.
    Content {
        /// The end of patience with the whole message.
        message: Deadline,
        /// The end of the present window; in each one enough octets must come in.
        window: Deadline,
        /// Octets since the present window began.
        octets: u64,
    },
}

impl Patience {
    /// With a client that is to send a command.
    pub(super) fn with_command(settings: &Settings) -> Self {
        Self::Command(Deadline::after(settings.command_timeout))
    }

    /// With a client that is to send a message.
    pub(super) fn with_content(settings: &Settings) -> Self {
        Self::Content {
            message: Deadline::after(settings.data_timeout),
            window: Deadline::after(settings.command_timeout),
            octets: 0,
        }
    }

    /// By when to look again.
    pub(super) fn deadline(self) -> Deadline {
        match self {
            Self::Command(deadline) => deadline,
            Self::Content {
                message, window, ..
            } => message.min(window),
        }
    }

    /// Counts what came in.
    pub(super) const fn count(&mut self, more: usize) {
        if let Self::Content { octets, .. } = self {
            *octets = octets.saturating_add(more as u64);
        }
    }

    /// Begins a new window if the last one brought enough; otherwise, and when the message as a whole takes too long, patience is over.
    pub(super) fn renew(&mut self, settings: &Settings) -> bool {
        match self {
            Self::Command(_) => false,
            Self::Content {
                message,
                window,
                octets,
            } => {
                if message.is_over() || *octets < least_octets(settings.command_timeout) {
                    return false;
                }
                *window = Deadline::after(settings.command_timeout);
                *octets = 0;
                true
            }
        }
    }
}

/// The octets that a window must bring.
fn least_octets(window: Duration) -> u64 {
    let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    DATA_RATE_MIN.saturating_mul(millis) / 1000
}
