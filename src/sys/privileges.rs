//! Gives up root for good.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Room for one entry of the user database; the usual `_SC_GETPW_R_SIZE_MAX` is 1024.
const ENTRY_ROOM: usize = 64 * 1024;

/// Why privileges were not dropped.
#[derive(Debug)]
pub enum PrivilegeError {
    /// There is no such user.
    NoSuchUser,
    /// Only root can become somebody else.
    NotRoot,
    /// A step failed.
    Step(&'static str, io::Error),
    /// After dropping, root could be regained.
    NotFinal,
}

impl fmt::Display for PrivilegeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchUser => f.write_str("there is no such user"),
            Self::NotRoot => f.write_str("only root can change to another user"),
            Self::Step(step, error) => write!(f, "{step} failed: {error}"),
            Self::NotFinal => f.write_str("root could be regained after dropping it"),
        }
    }
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    effective_user() == 0
}

fn effective_user() -> libc::uid_t {
    // SAFETY: geteuid has no preconditions.
    unsafe { libc::geteuid() }
}

/// Changes user, group and supplementary groups of all threads to those of `user`, and proves that there is no way back.
///
/// # Errors
/// [`PrivilegeError`]; the process must then end, its privileges may be half dropped.
pub fn drop_to(user: &str) -> Result<(), PrivilegeError> {
    let (uid, gid) = ids_of(user)?;
    let current = effective_user();
    if current == uid {
        return Ok(());
    }
    if current != 0 {
        return Err(PrivilegeError::NotRoot);
    }
    // SAFETY: a list of length 0 is never read.
    check("setgroups", unsafe { libc::setgroups(0, ptr::null()) })?;
    // SAFETY: the next calls take plain numbers.
    check("setresgid", unsafe { libc::setresgid(gid, gid, gid) })?;
    // SAFETY: as above.
    check("setresuid", unsafe { libc::setresuid(uid, uid, uid) })?;
    // SAFETY: as above; success would mean that root is still within reach.
    if uid != 0 && unsafe { libc::setresuid(0, 0, 0) } == 0 {
        return Err(PrivilegeError::NotFinal);
    }
    Ok(())
}

fn check(step: &'static str, result: libc::c_int) -> Result<(), PrivilegeError> {
    match result {
        0 => Ok(()),
        _ => Err(PrivilegeError::Step(step, io::Error::last_os_error())),
    }
}

/// The user's and its group's number.
///
/// # Errors
/// [`PrivilegeError`] when there is no such user, or it cannot be found out.
pub fn ids_of(user: &str) -> Result<(u32, u32), PrivilegeError> {
    let name = CString::new(user).map_err(|_| PrivilegeError::NoSuchUser)?;
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut room = vec![0 as libc::c_char; ENTRY_ROOM];
    let mut found = ptr::null_mut();
    // SAFETY: all pointers are valid for the sizes given; `found` is null or points to `entry` afterwards.
    let error = unsafe {
        libc::getpwnam_r(
            name.as_ptr(),
            entry.as_mut_ptr(),
            room.as_mut_ptr(),
            room.len(),
            &raw mut found,
        )
    };
    if error != 0 {
        let reason = io::Error::from_raw_os_error(error);
        return Err(PrivilegeError::Step("looking up the user", reason));
    }
    if found.is_null() {
        return Err(PrivilegeError::NoSuchUser);
    }
    // SAFETY: getpwnam_r succeeded and found an entry, so it is initialised.
    let entry = unsafe { entry.assume_init() };
    Ok((entry.pw_uid, entry.pw_gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_looked_up() {
        assert_eq!(ids_of("root").expect("everywhere"), (0, 0));
        for nobody in ["no-such-user-here", "", "a\0b"] {
            assert!(matches!(ids_of(nobody), Err(PrivilegeError::NoSuchUser)));
        }
    }
}
