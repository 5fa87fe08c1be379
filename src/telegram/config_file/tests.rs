use super::*;
use proptest::prelude::*;

#[test]
fn names_become_interface_names() {
    for (name, file) in [
        ("iPhone", "iphone.conf"),
        ("Portátil de Ana", "portatil-de-ana.conf"),
        ("Mi teléfono número dos", "mi-telefono-num.conf"),
        ("  ¡Ñandú! ", "nandu.conf"),
        ("📱", "vpn-7.conf"),
        ("שלום", "vpn-7.conf"),
    ] {
        assert_eq!(file_name(name, ServiceId(7)), file, "{name}");
    }
}

proptest! {
    #[test]
    fn fault_22_any_name_gives_a_file_that_wg_quick_takes(name in any::<String>(), id in any::<i64>()) {
        let file = file_name(&name, ServiceId(id));
        let stem = file.strip_suffix(".conf").unwrap_or_default();
        prop_assert!((1..=STEM_MAX).contains(&stem.len()), "{file}");
        prop_assert!(stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{file}");
        prop_assert!(!stem.starts_with('-'));
    }
}
