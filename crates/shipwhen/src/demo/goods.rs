//! What the sample shop sells: Alderfell, an invented brand of goods for cooking and sleeping outdoors.

use Supplier::{BrightHarbor, CedarLane, Halden, Kestrel, Nordvik, Pavia, Ridgeline, Sanming, Workshop};

/// Who supplies what, and how well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Supplier {
    /// Enamelware; a few days late at times.
    BrightHarbor,
    /// Cast iron; the foundry is always late.
    Halden,
    /// Wool and shells; to the day.
    Nordvik,
    /// Tents, packs and pads by sea; weeks late when the port is full.
    Sanming,
    /// Bottles, coolers; to the day.
    Ridgeline,
    /// Lanterns; late and silent about it.
    Kestrel,
    /// Coffee, spice, fuel; every other week, to the day.
    CedarLane,
    /// Pizza ovens and fire pits; slow.
    Pavia,
    /// The shop's own workshop.
    Workshop,
}

impl Supplier {
    /// As it stands on purchase orders.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BrightHarbor => "Bright Harbor Metals",
            Self::Halden => "Halden Ironworks",
            Self::Nordvik => "Nordvik Textil",
            Self::Sanming => "Sanming Outdoor",
            Self::Ridgeline => "Ridgeline Plastics",
            Self::Kestrel => "Kestrel Lighting",
            Self::CedarLane => "Cedar Lane Provisions",
            Self::Pavia => "Forni Pavia",
            Self::Workshop => "Alderfell Workshop",
        }
    }
}

/// The terms a family is sold on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sold {
    /// Backordered from what is inbound.
    Restocked,
    /// Backordered from what is inbound, at most so many units.
    Capped(i64),
    /// Backordered without limit: it can be had so many days after it is ordered.
    Reordered(u16),
    /// From stock alone.
    StockOnly,
    /// Before a release so many days from now.
    Preorder(u16),
    /// Made when ordered, in so many days.
    MadeToOrder(u16),
    /// When out, addresses are taken but no orders.
    Waitlist,
    /// When out, members may order ahead; others leave an address.
    Members,
    /// What is left.
    Discontinued,
}

/// When people want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Season {
    Always,
    Warm,
    Cold,
}

/// A variant of a family: its code, its name, and what it costs more, in cents.
pub(super) type Choice = (&'static str, &'static str, i64);

/// Goods that differ in colour and size alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    /// Price and cost in cents.
    pub(super) price: i64,
    pub(super) cost: i64,
    pub(super) supplier: Supplier,
    /// How often it is asked for, against the others.
    pub(super) fame: u64,
    pub(super) first: &'static [Choice],
    pub(super) second: &'static [Choice],
    pub(super) tags: &'static [&'static str],
    pub(super) sold: Sold,
    pub(super) season: Season,
    /// Whether it is sold to other shops, too.
    pub(super) trade: bool,
}

const ONE: &[Choice] = &[("", "", 0)];

impl Family {
    const fn new(
        code: &'static str,
        title: &'static str,
        price: i64,
        cost: i64,
        from: Supplier,
        fame: u64,
    ) -> Self {
        Self {
            code,
            title,
            price,
            cost,
            supplier: from,
            fame,
            first: ONE,
            second: ONE,
            tags: &[],
            sold: Sold::Restocked,
            season: Season::Always,
            trade: false,
        }
    }

    const fn each(mut self, first: &'static [Choice]) -> Self {
        self.first = first;
        self
    }

    const fn by(mut self, second: &'static [Choice]) -> Self {
        self.second = second;
        self
    }

    const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    const fn sold(mut self, sold: Sold) -> Self {
        self.sold = sold;
        self
    }

    const fn warm(mut self) -> Self {
        self.season = Season::Warm;
        self
    }

    const fn cold(mut self) -> Self {
        self.season = Season::Cold;
        self
    }

    const fn trade(mut self) -> Self {
        self.trade = true;
        self
    }
}

const MOSS: Choice = ("MOS", "Moss", 0);
const SLATE: Choice = ("SLT", "Slate", 0);
const RUST: Choice = ("RST", "Rust", 0);
const CREAM: Choice = ("CRM", "Cream", 0);
const INK: Choice = ("INK", "Ink", 0);
const OCHRE: Choice = ("OCH", "Ochre", 0);
const FERN: Choice = ("FRN", "Fern", 0);
const CLAY: Choice = ("CLY", "Clay", 0);
const TWO: &[Choice] = &[MOSS, SLATE];
const THREE: &[Choice] = &[SLATE, MOSS, RUST];
const FOUR: &[Choice] = &[CREAM, INK, MOSS, RUST];
const FIVE: &[Choice] = &[SLATE, MOSS, CREAM, INK, OCHRE];
const SIX: &[Choice] = &[CREAM, SLATE, MOSS, RUST, INK, OCHRE];
const EIGHT: &[Choice] = &[CREAM, INK, MOSS, RUST, SLATE, OCHRE, FERN, CLAY];
const CLOTHES: &[Choice] =
    &[("M", "M", 0), ("L", "L", 0), ("S", "S", 0), ("XL", "XL", 0), ("XS", "XS", 0), ("XXL", "XXL", 500)];
const CLOTHES_5: &[Choice] = &[("M", "M", 0), ("L", "L", 0), ("S", "S", 0), ("XL", "XL", 0), ("XS", "XS", 0)];
const SOCKS: &[Choice] = &[("M", "39–42", 0), ("L", "43–46", 0), ("S", "35–38", 0)];
const GLOVES: &[Choice] = &[("M", "M", 0), ("L", "L", 0), ("S", "S", 0)];

/// Everything but kits.
pub(super) const FAMILIES: &[Family] = &[
    Family::new("MUG", "Enamel mug 350 ml", 1_800, 510, BrightHarbor, 95)
        .each(EIGHT)
        .tags(&["kitchen", "enamel"])
        .trade(),
    Family::new("KET", "Camp kettle", 4_900, 1_690, BrightHarbor, 70)
        .each(&[("09", "0.9 L", 0), ("14", "1.4 L", 1_000)])
        .by(&[CREAM, INK, MOSS])
        .tags(&["kitchen", "enamel"])
        .trade(),
    Family::new("PLT", "Enamel plate 24 cm", 1_600, 440, BrightHarbor, 52)
        .each(FOUR)
        .tags(&["kitchen", "enamel"])
        .trade(),
    Family::new("BWL", "Enamel bowl 16 cm", 1_500, 420, BrightHarbor, 46)
        .each(FOUR)
        .tags(&["kitchen", "enamel"])
        .trade(),
    Family::new("CUT", "Camp cutlery, 4 pieces", 2_400, 780, BrightHarbor, 40)
        .each(&[("WAL", "Walnut", 0), ("BLK", "Black", 0), ("STL", "Steel", -300)])
        .tags(&["kitchen"]),
    Family::new("SPK", "Titanium spork", 1_200, 310, BrightHarbor, 44).tags(&["kitchen", "titanium"]).trade(),
    Family::new("SKL", "Cast-iron skillet", 3_900, 1_320, Halden, 85)
        .each(&[
            ("24", "24 cm", 1_000),
            ("28", "28 cm", 2_000),
            ("20", "20 cm", 0),
            ("32", "32 cm", 3_500),
            ("16", "16 cm", -900),
        ])
        .tags(&["kitchen", "cast-iron"])
        .trade(),
    Family::new("DUT", "Dutch oven", 9_800, 3_900, Halden, 76)
        .each(&[("5", "5 L", 2_000), ("3", "3 L", 0), ("7", "7 L", 4_500)])
        .tags(&["kitchen", "cast-iron"])
        .sold(Sold::Capped(16))
        .trade(),
    Family::new("GRD", "Reversible griddle", 6_900, 2_450, Halden, 38)
        .each(&[("S", "30 × 25 cm", 0), ("L", "45 × 25 cm", 2_000)])
        .tags(&["kitchen", "cast-iron"]),
    Family::new("TRI", "Fire tripod with chain", 5_900, 1_900, Halden, 22)
        .tags(&["fire"])
        .sold(Sold::Reordered(18)),
    Family::new("PAN", "Crêpe pan 26 cm", 4_400, 1_480, Halden, 26)
        .tags(&["kitchen", "cast-iron"])
        .sold(Sold::Reordered(24)),
    Family::new("STV", "Duet two-burner stove, second edition", 18_900, 8_100, BrightHarbor, 60)
        .each(&[MOSS, ("SND", "Sand", 0)])
        .tags(&["stoves", "new"])
        .sold(Sold::Preorder(38)),
    Family::new("EMB", "Ember gas stove", 6_400, 2_350, BrightHarbor, 58).each(TWO).tags(&["stoves"]),
    Family::new("WDS", "Folding wood stove", 7_900, 2_980, BrightHarbor, 36)
        .each(&[("STL", "Steel", 0), ("TI", "Titanium", 8_000)])
        .tags(&["stoves", "fire"]),
    Family::new("COF", "Pour-over coffee set", 5_600, 1_980, BrightHarbor, 55)
        .each(&[CREAM, INK, MOSS])
        .tags(&["coffee", "enamel"])
        .trade(),
    Family::new("GRN", "Hand coffee grinder", 8_900, 3_600, Kestrel, 50)
        .each(&[("STL", "Steel", 0), ("BLK", "Black", 0)])
        .tags(&["coffee"]),
    Family::new("FLS", "Vacuum flask", 3_200, 1_050, Ridgeline, 74)
        .each(&[("05", "0.5 L", 0), ("075", "0.75 L", 400), ("10", "1 L", 900)])
        .by(FIVE)
        .tags(&["bottles"])
        .cold()
        .trade(),
    Family::new("BTL", "Steel bottle", 2_600, 790, Ridgeline, 66)
        .each(&[("06", "0.6 L", 0), ("10", "1 L", 600)])
        .by(SIX)
        .tags(&["bottles"])
        .warm()
        .trade(),
    Family::new("CLR", "Hard cooler", 14_900, 6_200, Ridgeline, 48)
        .each(&[("25", "25 L", 4_000), ("15", "15 L", 0), ("45", "45 L", 11_000)])
        .by(&[SLATE, CREAM, OCHRE])
        .tags(&["coolers"])
        .sold(Sold::Capped(10))
        .warm(),
    Family::new("KNF", "Camp knife", 8_400, 3_100, Workshop, 42)
        .each(&[("OAK", "Oak", 0), ("WAL", "Walnut", 600), ("BIR", "Birch", 0)])
        .tags(&["knives"]),
    Family::new("KNC", "Chef's knife", 11_900, 4_700, Workshop, 40)
        .each(&[("18", "18 cm", 1_000), ("15", "15 cm", 0), ("21", "21 cm", 2_000)])
        .tags(&["knives", "kitchen"]),
    Family::new("KNE", "Chef's knife 18 cm, engraved", 15_900, 5_600, Workshop, 60)
        .each(&[("OAK", "Oak", 0), ("WAL", "Walnut", 600), ("BIR", "Birch", 0)])
        .tags(&["knives", "engraved", "gifts"])
        .sold(Sold::MadeToOrder(12)),
    Family::new("BRD", "Oak cutting board", 4_200, 1_450, Workshop, 45)
        .each(&[("M", "35 × 24 cm", 1_200), ("S", "26 × 18 cm", 0), ("L", "45 × 30 cm", 3_000)])
        .tags(&["kitchen", "wood"])
        .trade(),
    Family::new("TBL", "Roll-top camp table, oak", 38_900, 17_500, Workshop, 32)
        .each(&[("NAT", "Natural", 0), ("SMK", "Smoked", 3_000), ("BLK", "Black oil", 2_000)])
        .tags(&["furniture", "wood"])
        .sold(Sold::MadeToOrder(21)),
    Family::new("CHR", "Camp chair", 12_900, 5_100, Sanming, 62).each(FIVE).tags(&["furniture"]).warm(),
    Family::new("HAM", "Hammock", 7_900, 2_650, Sanming, 40).each(FIVE).tags(&["furniture"]).warm(),
    Family::new("BLK", "Wool blanket 140 × 200 cm", 11_900, 4_400, Nordvik, 57)
        .each(SIX)
        .tags(&["wool"])
        .cold()
        .trade(),
    Family::new("LNT", "Storm lantern", 7_400, 2_700, Kestrel, 80)
        .each(&[INK, CREAM, RUST])
        .tags(&["light"])
        .trade(),
    Family::new("HDL", "Headlamp", 4_900, 1_700, Kestrel, 54)
        .each(&[("300", "300 lm", 0), ("500", "500 lm", 1_500), ("900", "900 lm", 3_500)])
        .tags(&["light"]),
    Family::new("STR", "String lights 10 m", 3_900, 1_180, Kestrel, 47).tags(&["light"]),
    Family::new("LNA", "Storm lantern, tenth anniversary", 9_900, 3_900, Kestrel, 24)
        .tags(&["light", "limited"])
        .sold(Sold::Members),
    Family::new("MGA", "Enamel mug, tenth anniversary", 2_400, 690, BrightHarbor, 26)
        .each(&[("GLD", "Gold rim", 0), ("CPR", "Copper rim", 0)])
        .tags(&["enamel", "limited"])
        .sold(Sold::Waitlist),
    Family::new("AXE", "Hatchet", 8_900, 3_400, Halden, 34)
        .each(&[("600", "600 g", 0), ("900", "900 g", 1_500)])
        .tags(&["fire", "tools"]),
    Family::new("SAW", "Folding saw", 5_400, 1_850, Halden, 25).tags(&["fire", "tools"]),
    Family::new("TNT", "Ridge tent", 32_900, 14_800, Sanming, 56)
        .each(&[("2", "2 persons", 0), ("3", "3 persons", 6_000), ("4", "4 persons", 13_000)])
        .by(THREE)
        .tags(&["shelter"])
        .warm(),
    Family::new("TRP", "Tarp", 8_900, 3_150, Sanming, 36)
        .each(&[("33", "3 × 3 m", 0), ("44", "4 × 4 m", 4_000)])
        .by(THREE)
        .tags(&["shelter"])
        .warm(),
    Family::new("SLB", "Down sleeping bag", 22_900, 10_200, Sanming, 44)
        .each(&[("P5", "+5 °C", 0), ("0", "0 °C", 5_000), ("M7", "−7 °C", 11_000)])
        .by(&[("R", "Regular", 0), ("L", "Long", 1_500)])
        .tags(&["sleeping"])
        .cold(),
    Family::new("PAD", "Sleeping pad", 11_900, 4_500, Sanming, 43)
        .each(&[("R", "Regular", 0), ("W", "Wide", 2_000)])
        .by(THREE)
        .tags(&["sleeping"]),
    Family::new("BPK", "Trail pack", 11_900, 4_600, Sanming, 60)
        .each(&[("24", "24 L", 0), ("38", "38 L", 4_000), ("55", "55 L", 9_000)])
        .by(&[SLATE, MOSS, RUST, INK])
        .tags(&["packs"]),
    Family::new("DFL", "Waxed duffel", 12_900, 5_000, Nordvik, 40)
        .each(&[("40", "40 L", 0), ("60", "60 L", 2_500), ("90", "90 L", 5_500)])
        .by(&[SLATE, MOSS, RUST, OCHRE])
        .tags(&["packs"]),
    Family::new("RSH", "Rain shell", 18_900, 7_900, Nordvik, 63).each(THREE).by(CLOTHES).tags(&["clothes"]),
    Family::new("FLC", "Wool fleece", 13_900, 5_600, Nordvik, 58)
        .each(&[CREAM, SLATE, FERN])
        .by(CLOTHES_5)
        .tags(&["clothes", "wool"])
        .cold(),
    Family::new("BSL", "Merino base layer", 8_900, 3_500, Nordvik, 50)
        .each(&[INK, MOSS])
        .by(CLOTHES_5)
        .tags(&["clothes", "wool"])
        .cold(),
    Family::new("SOC", "Merino socks", 2_200, 690, Nordvik, 72)
        .each(FIVE)
        .by(SOCKS)
        .tags(&["clothes", "wool"])
        .trade(),
    Family::new("BNE", "Fisherman beanie", 3_400, 1_020, Nordvik, 53)
        .each(EIGHT)
        .tags(&["clothes", "wool"])
        .cold()
        .trade(),
    Family::new("GLV", "Grill gloves", 4_800, 1_600, Nordvik, 37)
        .each(&[("TAN", "Tan", 0), ("BLK", "Black", 0)])
        .by(GLOVES)
        .tags(&["fire"]),
    Family::new("APR", "Waxed apron", 7_900, 2_800, Nordvik, 39).each(FOUR).tags(&["kitchen"]),
    Family::new("TWL", "Linen tea towel", 1_900, 560, Nordvik, 41).each(SIX).tags(&["kitchen"]).trade(),
    Family::new("SPC", "Spice tin", 950, 270, CedarLane, 49)
        .each(&[
            ("SMK", "Smoke & salt", 0),
            ("HRB", "Alpine herbs", 0),
            ("CHL", "Chili & cocoa", 0),
            ("CUR", "Camp curry", 0),
            ("FSH", "Lake fish", 0),
            ("APL", "Apple & spice", 0),
        ])
        .tags(&["pantry"])
        .sold(Sold::StockOnly),
    Family::new("CFB", "Coffee beans", 1_600, 720, CedarLane, 64)
        .each(&[("DAY", "Daybreak", 0), ("EMB", "Ember", 0), ("DCF", "Decaf", 100)])
        .by(&[("340", "340 g", 0), ("1K", "1 kg", 2_200)])
        .tags(&["coffee", "pantry"])
        .sold(Sold::StockOnly),
    Family::new("GAS", "Gas cartridge", 690, 260, CedarLane, 55)
        .each(&[("230", "230 g", 0), ("100", "100 g", -140), ("450", "450 g", 480)])
        .tags(&["stoves", "no-air"])
        .sold(Sold::StockOnly),
    Family::new("OIL", "Seasoning oil 100 ml", 1_400, 390, CedarLane, 35).tags(&["care"]),
    Family::new("CHM", "Chain-mail scrubber", 1_900, 530, CedarLane, 31).tags(&["care", "cast-iron"]),
    Family::new("CST", "Charcoal starter", 3_400, 1_150, Pavia, 27).tags(&["fire"]),
    Family::new("PZO", "Gas pizza oven", 34_900, 16_900, Pavia, 45)
        .each(&[("12", "12 in", 0), ("16", "16 in", 15_000)])
        .tags(&["stoves", "pizza"])
        .sold(Sold::Capped(10)),
    Family::new("PEL", "Pizza peel", 3_900, 1_250, Pavia, 33)
        .each(&[("12", "12 in", 0), ("16", "16 in", 900)])
        .tags(&["pizza"]),
    Family::new("FIR", "Fire pit", 21_900, 9_600, Pavia, 32)
        .each(&[("60", "60 cm", 0), ("80", "80 cm", 9_000)])
        .tags(&["fire"]),
    Family::new("THM", "Probe thermometer", 4_900, 1_550, Kestrel, 42)
        .each(&[("1", "one probe", 0), ("2", "two probes", 1_800), ("4", "four probes", 4_800)])
        .tags(&["kitchen"]),
    Family::new("KTM", "Camp kettle 0.9 L, Mustard", 3_900, 1_690, BrightHarbor, 14)
        .tags(&["kitchen", "last-pieces"])
        .sold(Sold::Discontinued),
    Family::new("FLX", "Vacuum flask 0.5 L, first edition", 2_400, 1_050, Ridgeline, 16)
        .each(&[("COR", "Coral", 0), ("MNT", "Mint", 0)])
        .tags(&["bottles", "last-pieces"])
        .sold(Sold::Discontinued),
    Family::new("STX", "Duet two-burner stove, first edition", 14_900, 7_400, BrightHarbor, 18)
        .tags(&["stoves", "last-pieces"])
        .sold(Sold::Discontinued),
];
