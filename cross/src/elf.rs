//! What the head of an ELF file says of how it is started: for which machine it is, and whether it needs a loader or
//! libraries of the machine it comes to. 64-bit and little-endian only, as both our architectures are.

/// Program headers that tell.
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;

/// An entry of the dynamic section that names a library.
const DT_NEEDED: u64 = 1;

/// How a program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linkage {
    /// `e_machine`
    pub machine: u16,
    /// It names a loader (`ld-linux`, `ld-musl`).
    pub loader: bool,
    /// Libraries it needs.
    pub libraries: usize,
}

/// Reads the head, the program headers and the dynamic section; `None` for what is no such file.
#[must_use]
pub fn linkage(file: &[u8]) -> Option<Linkage> {
    // Magic, 64 bits, little-endian.
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let mut linkage = Linkage { machine: u16_at(file, 18)?, loader: false, libraries: 0 };
    let (table, size, count) = (u64_at(file, 32)?, u16_at(file, 54)?, u16_at(file, 56)?);
    for number in 0..u64::from(count) {
        let header = table.checked_add(number.checked_mul(u64::from(size))?)?;
        match u32_at(file, header)? {
            PT_INTERP => linkage.loader = true,
            PT_DYNAMIC => {
                linkage.libraries += needed(file, u64_at(file, header + 8)?, u64_at(file, header + 32)?)?
            }
            _ => {}
        }
    }
    Some(linkage)
}

fn needed(file: &[u8], start: u64, bytes: u64) -> Option<usize> {
    let tags: Option<Vec<u64>> = (0..bytes / 16).map(|entry| u64_at(file, start + entry * 16)).collect();
    Some(tags?.into_iter().take_while(|tag| *tag != 0).filter(|tag| *tag == DT_NEEDED).count())
}

fn at<const N: usize>(file: &[u8], offset: u64) -> Option<[u8; N]> {
    let start = usize::try_from(offset).ok()?;
    file.get(start..start.checked_add(N)?)?.try_into().ok()
}

fn u16_at(file: &[u8], offset: u64) -> Option<u16> {
    at(file, offset).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], offset: u64) -> Option<u32> {
    at(file, offset).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], offset: u64) -> Option<u64> {
    at(file, offset).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_a_program_that_needs_libraries() {
        let file = std::fs::read("/proc/self/exe").unwrap();
        let linkage = linkage(&file).unwrap();
        assert!(linkage.loader && linkage.libraries > 0, "{linkage:?}");
    }

    #[test]
    fn what_is_cut_short_or_no_program_is_none() {
        let file = std::fs::read("/proc/self/exe").unwrap();
        for bytes in [0, 5, 20, 57, 100] {
            assert_eq!(linkage(&file[..bytes]), None, "{bytes}");
        }
        assert_eq!(linkage(b"#!/bin/sh\n"), None);
        // A table that lies beyond the end of the number range.
        let mut far = file[..64].to_vec();
        far[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(linkage(&far), None);
    }
}
