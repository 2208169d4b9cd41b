//! The sample shop's kits: goods sold together, that share components.

/// Goods sold together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kit {
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) price: i64,
    pub(super) fame: u64,
    pub(super) parts: &'static [(&'static str, i64)],
    /// At most so many backordered; without it the kit follows its components' terms.
    pub(super) cap: Option<i64>,
}

const fn kit(
    code: &'static str,
    title: &'static str,
    price: i64,
    fame: u64,
    parts: &'static [(&'static str, i64)],
) -> Kit {
    Kit { code, title, price, fame, parts, cap: None }
}

const fn capped(cap: i64, kit: Kit) -> Kit {
    Kit { cap: Some(cap), ..kit }
}

/// Every kit.
pub(super) const KITS: &[Kit] = &[
    kit(
        "SET-TABLE-2",
        "Table for two, Cream",
        11_900,
        38,
        &[("PLT-CRM", 2), ("BWL-CRM", 2), ("MUG-CRM", 2), ("CUT-WAL", 2)],
    ),
    kit(
        "SET-TABLE-4",
        "Table for four, Ink",
        21_900,
        24,
        &[("PLT-INK", 4), ("BWL-INK", 4), ("MUG-INK", 4), ("CUT-BLK", 4)],
    ),
    kit(
        "SET-COFFEE",
        "Morning coffee set",
        16_900,
        42,
        &[("COF-CRM", 1), ("GRN-STL", 1), ("MUG-CRM", 2), ("CFB-DAY-340", 1)],
    ),
    kit(
        "SET-COFFEE-INK",
        "Late coffee set",
        16_900,
        20,
        &[("COF-INK", 1), ("GRN-BLK", 1), ("MUG-INK", 2), ("CFB-EMB-340", 1)],
    ),
    kit("SET-IRON", "First iron", 15_900, 34, &[("SKL-24", 1), ("DUT-3", 1), ("OIL", 1), ("CHM", 1)]),
    capped(
        15,
        kit(
            "SET-IRON-PRO",
            "Whole hearth",
            28_900,
            18,
            &[("SKL-28", 1), ("DUT-5", 1), ("GRD-L", 1), ("GLV-TAN-M", 1), ("OIL", 1)],
        ),
    ),
    kit(
        "SET-FIRE",
        "Fireside set",
        24_900,
        22,
        &[("TRI", 1), ("DUT-5", 1), ("GLV-BLK-L", 1), ("AXE-600", 1)],
    ),
    capped(
        12,
        kit(
            "SET-PIZZA",
            "Pizza night",
            42_900,
            26,
            &[("PZO-12", 1), ("PEL-12", 1), ("GLV-TAN-M", 1), ("THM-1", 1)],
        ),
    ),
    kit(
        "SET-SLEEP",
        "Sleep system, regular",
        38_900,
        24,
        &[("SLB-0-R", 1), ("PAD-R-SLT", 1), ("BNE-SLT", 1)],
    ),
    kit("SET-NIGHT", "Night light", 14_900, 20, &[("LNT-INK", 1), ("HDL-500", 1), ("STR", 1)]),
    kit(
        "SET-TRAIL",
        "Weekend trail kit",
        56_900,
        18,
        &[("TNT-2-MOS", 1), ("BPK-38-MOS", 1), ("EMB-MOS", 1), ("SPK", 2)],
    ),
    kit("SET-GIFT", "Warm hands, a gift", 8_900, 30, &[("MUG-MOS", 2), ("SOC-SLT-M", 1), ("FLS-05-MOS", 1)]),
];
