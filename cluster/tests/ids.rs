//! Identities: what is taken, what is refused, and that hashes read back as they are printed.

use cluster::{Guard, Hash, MachineId};
use proptest::prelude::*;

#[test]
fn machine_ids_are_plain_and_have_a_short_form() {
    for good in ["29db50636f1c4c0e9b8d5f6a7c8e9f01", "148a18ff-6e95-4cd8-92da-c9de9bb90d5a", "m1", "a.b_c-D"]
    {
        assert_eq!(MachineId::parse(good).unwrap().as_str(), good);
    }
    let too_long = "a".repeat(65);
    for bad in ["", ".", "..", ".a", "a/b", "a b", "ä", "a\0", "a\n", too_long.as_str()] {
        let error = MachineId::parse(bad).unwrap_err().to_string();
        assert!(error.starts_with("not a machine ID: "), "{error}");
    }
    assert_eq!(MachineId::parse("148a18ff-6e95").unwrap().short(), "148a18ff");
    assert_eq!(MachineId::parse("m1").unwrap().short(), "m1");
}

#[test]
fn a_guard_is_never_zero() {
    assert_eq!(Guard::new(0), None);
    assert_eq!(Guard::new(7).map(Guard::get), Some(7));
}

#[test]
fn hashes_are_forty_digits_of_either_case() {
    let text = "1c6fb6f3684bafb0c173d8b8b957ceff031180c1";
    let hash = Hash::parse(text).unwrap();
    assert_eq!((hash.to_string().as_str(), hash.short().as_str()), (text, "1c6fb6f"));
    assert_eq!(Hash::parse(&text.to_uppercase()).unwrap(), hash);
    for bad in
        ["", "1c6f", "+c6fb6f3684bafb0c173d8b8b957ceff031180c1", "1c6fb6f3684bafb0c173d8b8b957ceff031180cg"]
    {
        assert!(Hash::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_has_a_hash_that_reads_back(text in any::<String>()) {
        let hash = Hash::of(&text);
        prop_assert_eq!(Hash::parse(&hash.to_string()).unwrap(), hash);
        let _ = Hash::parse(&text);
        let _ = MachineId::parse(&text);
    }
}
