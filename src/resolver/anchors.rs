//! Trust anchors that follow the root's keys (RFC 5011): asks for the keys, keeps what became of them in a file, and lets validation go by it.
//!
//! The table is `dnssec/tracking`; here is what it cannot do: questions, the file, the log. The questions go with each test of the
//! resolvers, at start and every hour; RFC 5011 §2.3 wants no more, nor fewer. While a resolver fails they are a minute apart, which
//! no server of the root notices: resolvers answer them from their caches. The file is read at start, and written when something changes.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ValidationSettings;
use super::endpoint::Endpoint;
use super::observe::Transport;
use super::query::Checks;
use super::self_test::PATIENCE;
use super::stub::Resolver;
use crate::dns::{Name, RecordType};
use crate::dnssec::tracking::Change;
use crate::dnssec::{Algorithms, Rrset, Tracking, TrustAnchors, rrset};
use crate::log;
use crate::time::{Deadline, Timestamp};

/// Name of the file, in the spool directory.
pub const FILE: &str = "anchors";
/// Octets of the file at most: 16 keys of 4096 bits take 16 KiB, the rest is for comments.
const OCTETS_AT_MOST: u64 = 256 * 1024;
/// The bit of a file's mode that lets everybody write it.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// Why the file is of no use: one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFault {
    path: PathBuf,
    reason: String,
}

impl fmt::Display for StateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}; without the file the gateway begins anew with the trust anchors that are built in",
            self.path.display(),
            self.reason
        )
    }
}

impl std::error::Error for StateFault {}

/// Reads the state from a file; `None` if there is none, or it lies in another user's closed directory.
///
/// # Errors
/// [`StateFault`] for one that cannot be read or understood, or that everybody may change. One that is there and cannot be read may tell of
/// keys that are revoked: the gateway that goes on from it must not do without.
pub fn read(path: &Path) -> Result<Option<Tracking>, StateFault> {
    let fault = |reason| StateFault {
        path: path.to_owned(),
        reason,
    };
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => return Ok(None),
            io::ErrorKind::PermissionDenied if fs::symlink_metadata(path).is_err() => {
                log::trace(format_args!(
                    "trust anchors: {}: {error}; those built in are used",
                    path.display()
                ));
                return Ok(None);
            }
            _ => return Err(fault(error.to_string())),
        },
    };
    let tracking = Tracking::parse(&text).map_err(|error| fault(error.to_string()))?;
    Ok(Some(tracking))
}

fn read_text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    refuse_if_public(&file.metadata()?, "the file")?;
    refuse_if_public(&fs::metadata(directory_of(path))?, "its directory")?;
    let mut text = String::new();
    let length = file.take(OCTETS_AT_MOST + 1).read_to_string(&mut text)?;
    match u64::try_from(length) {
        Ok(length) if length <= OCTETS_AT_MOST => Ok(text),
        _ => Err(io::Error::other(format!(
            "it is longer than {OCTETS_AT_MOST} octets"
        ))),
    }
}

/// Who may write there decides which keys are believed.
fn refuse_if_public(metadata: &Metadata, what: &str) -> io::Result<()> {
    match metadata.mode() & WRITABLE_BY_OTHERS {
        0 => Ok(()),
        _ => Err(io::Error::other(format!(
            "everybody may write {what}, and so decide which keys are trusted: take that away (chmod o-w) and look whether the keys are right"
        ))),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Two resolvers may follow for a moment, while one takes the place of the other.
static WRITING: Mutex<()> = Mutex::new(());

/// Puts the text in the place of the file's, so that after a crash there is the old one or the new one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let _turn = WRITING.lock();
    let new = path.with_extension("new");
    // One that a crash has left; what lies there instead, a link for example, is not written through.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(directory_of(path))?.sync_all()
}

/// The keys that are followed, and where their state is kept.
pub(super) struct Follower {
    path: PathBuf,
    state: Mutex<FollowedKeys>,
}

struct FollowedKeys {
    tracking: Tracking,
    /// What the file does not say yet.
    is_unsaved: bool,
}

impl Follower {
    /// Goes on from the file, or begins with the keys that are built in.
    ///
    /// # Errors
    /// As [`read`].
    pub(super) fn open(path: &Path) -> Result<Self, StateFault> {
        let tracking = read(path)?.unwrap_or_else(|| Tracking::built_in(Timestamp::now()));
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(FollowedKeys {
                tracking,
                is_unsaved: false,
            }),
        })
    }

    pub(super) fn anchors(&self) -> TrustAnchors {
        self.state().tracking.anchors()
    }

    fn state(&self) -> MutexGuard<'_, FollowedKeys> {
        // Nothing in a change can panic, so a thread that did has left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the keys as they were brought, says what became of them, and keeps it; the keys that are believed now.
    fn take(&self, sets: &[Rrset], validation: &ValidationSettings) -> TrustAnchors {
        let mut state = self.state();
        let before = state.tracking.clone();
        let algorithms = Algorithms::new(validation.sha1);
        let changes = state.tracking.observe(sets, algorithms, validation.now());
        changes.iter().for_each(report);
        let anchors = state.tracking.anchors();
        if anchors == TrustAnchors::default() && before.anchors() != anchors {
            log::error(format_args!(
                "trust anchor: all keys of {} that were trusted are revoked: nothing can be validated, and every delivery is deferred; \
                 install a newer gateway and remove {}, or give the present keys with 'trust-anchor FILE'",
                state.tracking.zone(),
                self.path.display()
            ));
        }
        if state.is_unsaved || state.tracking != before {
            self.save(&mut state);
        }
        anchors
    }

    fn save(&self, state: &mut FollowedKeys) {
        let written = write(&self.path, &state.tracking.to_string());
        state.is_unsaved = written.is_err();
        if let Err(error) = written {
            log::error(format_args!(
                "trust anchors: cannot write {}: {error}; what has changed is remembered until the gateway ends, and written later if possible",
                self.path.display()
            ));
        }
    }
}

fn report(change: &Change) {
    match change.is_unusual() {
        true => log::warning(change),
        false => log::info(change),
    }
}

impl Resolver {
    /// Asks every resolver for the keys of the anchored zone, and goes by what has become of those that are followed.
    pub(super) fn follow_anchors(&self) {
        let Some(follower) = &self.follower else {
            return;
        };
        let validator = self.present.get();
        // No time that counts in days may pass by a clock that is wrong.
        if validator.settings.fault_of_clock().is_some() {
            return;
        }
        let zone = follower.state().tracking.zone().clone();
        let servers = self.upstream.servers.all().into_iter();
        let sets: Vec<Rrset> = servers
            .flat_map(|server| self.keys_from(&server, &zone))
            .collect();
        let anchors = follower.take(&sets, &validator.settings);
        if anchors != validator.settings.anchors {
            self.begin_anew(&ValidationSettings {
                anchors,
                ..validator.settings.clone()
            });
        }
    }

    /// What this resolver brings; nothing of it is proven.
    fn keys_from(&self, server: &Endpoint, zone: &Name) -> Vec<Rrset> {
        let deadline = Deadline::after(PATIENCE);
        let ask = |transport| {
            let question = (zone, RecordType::DNSKEY);
            self.upstream
                .carry_from(server, question, (Checks::Here, transport), deadline)
        };
        // One lost datagram says nothing.
        let carried = ask(Transport::Udp).or_else(|_| ask(Transport::Tcp));
        carried.map_or_else(
            // The test of the resolver says why.
            |_| Vec::new(),
            |carried| rrset::group(&carried.message.answers),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::privileges::is_root;

    /// A path of this test's own, removed with what lies there.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let own = format!("gateway-anchors-{}-{name}", std::process::id());
            let directory = std::env::temp_dir().join(own);
            fs::create_dir(&directory).unwrap();
            Self(directory)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let scratch = Scratch::new("written");
        let path = scratch.0.join(FILE);
        assert_eq!(read(&path), Ok(None));
        let tracking = Tracking::built_in(Timestamp::from_unix(1_800_000_000));
        for _ in 0..2 {
            write(&path, &tracking.to_string()).unwrap();
            assert_eq!(read(&path), Ok(Some(tracking.clone())));
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
        assert_eq!(read(&path.join("below a file")), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let scratch = Scratch::new("faults");
        let path = scratch.0.join(FILE);
        let long = "; nothing\n".repeat(30_000);
        for (octets, reason) in [
            (&b"valid \xff"[..], "UTF-8"),
            (long.as_bytes(), "it is longer than 262144 octets"),
            (b"; nothing\nvalid", "line 2: expected 'since='"),
        ] {
            fs::write(&path, octets).unwrap();
            let text = read(&path).unwrap_err().to_string();
            let file = path.display().to_string();
            assert!(text.contains(&file) && text.contains(reason), "{text}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(read(&path).is_err());
        assert!(Follower::open(&path).is_err());
    }

    #[test]
    fn what_others_may_change_is_not_believed() {
        let scratch = Scratch::new("modes");
        let path = scratch.0.join(FILE);
        let tracking = Tracking::built_in(Timestamp::from_unix(1_800_000_000));
        write(&path, &tracking.to_string()).unwrap();
        for (directory, file, expected) in [
            (0o700, 0o600, None),
            (0o775, 0o664, None),
            (0o700, 0o602, Some("everybody may write the file")),
            (0o777, 0o600, Some("everybody may write its directory")),
            (0o1777, 0o600, Some("everybody may write its directory")),
            // Nothing is closed to root.
            (0o700, 0o000, (!is_root()).then_some("ermission denied")),
        ] {
            for (path, mode) in [(&scratch.0, directory), (&path, file)] {
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
            match (read(&path), expected) {
                (Ok(found), None) => assert_eq!(found.as_ref(), Some(&tracking)),
                (Err(fault), Some(reason)) if fault.to_string().contains(reason) => {}
                (found, _) => panic!("{directory:o} {file:o}: {found:?}"),
            }
        }
        fs::set_permissions(&scratch.0, Permissions::from_mode(0o000)).unwrap();
        let closed = read(&path);
        fs::set_permissions(&scratch.0, Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(closed, Ok(is_root().then_some(tracking)));
    }
}
