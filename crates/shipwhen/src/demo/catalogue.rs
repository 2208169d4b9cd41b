//! The sample shop's goods as they are entered: items, barcodes, and how much each is wanted.

use std::sync::Arc;

use model::{
    id::Sku,
    item::{Component, Item},
    money::{Currency, Money},
};

use super::{
    goods::{FAMILIES, Family, Season, Sold, Supplier},
    kits::{KITS, Kit},
    random::Random,
};

/// One SKU of the sample shop.
#[derive(Debug, Clone)]
pub(super) struct Good {
    pub(super) item: Item,
    pub(super) sold: Sold,
    pub(super) season: Season,
    pub(super) trade: bool,
    pub(super) supplier: Supplier,
    /// How often it is asked for, against the others. Zipf: the n-th most wanted in proportion to 1/n, flattened.
    pub(super) weight: u64,
    /// A kit's components, by their places in the catalogue, and units of each.
    pub(super) parts: Vec<(usize, i64)>,
    /// A kit's own cap.
    pub(super) kit_cap: Option<i64>,
}

impl Good {
    pub(super) fn sku(&self) -> &Sku {
        &self.item.sku
    }

    pub(super) fn is_kit(&self) -> bool {
        !self.parts.is_empty()
    }

    /// What one unit of it takes from stock: itself, or its components.
    pub(super) fn takes(&self, at: usize) -> Vec<(usize, i64)> {
        if self.is_kit() { self.parts.clone() } else { vec![(at, 1)] }
    }
}

/// Makes the catalogue. Shape: kits last, after everything that is in them.
pub(super) fn catalogue(seed: u64) -> Vec<Good> {
    let mut goods = Vec::new();
    let mut fame = Vec::new();
    let mut random = Random::new(seed, "fame");
    for family in FAMILIES {
        for (at, first) in family.first.iter().enumerate() {
            for (by, second) in family.second.iter().enumerate() {
                // Fewer want the last colour and the last size; nobody knows why.
                let rank = u64::try_from(at + by).unwrap_or(0) + 2;
                fame.push(family.fame * u64::try_from(random.between(70, 130)).unwrap_or(100) * 2 / rank);
                goods.push(variant(family, [first, second], goods.len()));
            }
        }
    }
    for kit in KITS {
        fame.push(kit.fame * 100);
        let made = put_together(kit, &goods);
        goods.push(made);
    }
    weigh(&mut goods, &fame);
    goods
}

fn variant(family: &Family, choices: [&(&'static str, &'static str, i64); 2], at: usize) -> Good {
    let named = || choices.iter().filter(|(code, ..)| !code.is_empty());
    let more: i64 = named().map(|(.., more)| more).sum();
    let code = named().fold(family.code.to_owned(), |sku, (code, ..)| format!("{sku}-{code}"));
    let title = named().fold(family.title.to_owned(), |title, (_, name, _)| format!("{title}, {name}"));
    let item = Item {
        sku: Sku::stored(&code),
        title: title.into(),
        price: Some(usd(family.price + more)),
        // What a larger size costs more to buy is in proportion to what it sells for.
        unit_cost: Some(usd(family.cost * (family.price + more) / family.price)),
        components: Vec::new(),
        barcode: Some(barcode(at)),
        supplier: Some(family.supplier.name().into()),
        tags: family.tags.iter().map(|tag| Arc::from(*tag)).collect(),
        substitutes: Vec::new(),
        discontinued: family.sold == Sold::Discontinued,
    };
    Good {
        item,
        sold: family.sold,
        season: family.season,
        trade: family.trade,
        supplier: family.supplier,
        weight: 0,
        parts: Vec::new(),
        kit_cap: None,
    }
}

fn put_together(kit: &Kit, goods: &[Good]) -> Good {
    let parts: Vec<(usize, i64)> = kit
        .parts
        .iter()
        .filter_map(|(sku, units)| Some((goods.iter().position(|good| good.sku().as_str() == *sku)?, *units)))
        .collect();
    let cost = parts.iter().filter_map(|(at, units)| Some(goods[*at].item.unit_cost?.amount * units)).sum();
    let components = parts
        .iter()
        .map(|(at, units)| Component { sku: goods[*at].sku().clone(), quantity: *units })
        .collect();
    let item = Item {
        sku: Sku::stored(kit.code),
        title: kit.title.into(),
        price: Some(usd(kit.price)),
        unit_cost: Some(usd(cost)),
        components,
        barcode: Some(barcode(goods.len())),
        supplier: None,
        tags: vec!["kits".into(), "gifts".into()],
        substitutes: Vec::new(),
        discontinued: false,
    };
    Good {
        item,
        sold: Sold::Restocked,
        season: Season::Always,
        trade: false,
        supplier: Supplier::Workshop,
        weight: 0,
        parts,
        kit_cap: kit.cap,
    }
}

/// Gives each good its weight by its rank in fame.
fn weigh(goods: &mut [Good], fame: &[u64]) {
    let mut ranked: Vec<usize> = (0..goods.len()).collect();
    ranked.sort_by_key(|at| (std::cmp::Reverse(fame[*at]), *at));
    for (rank, at) in ranked.into_iter().enumerate() {
        // The first dozen are flattened: no shop of this kind sells a tenth of its orders in one mug.
        goods[at].weight = 1_000_000 / u64::try_from(rank + 12).unwrap_or(u64::MAX);
    }
}

fn usd(cents: i64) -> Money {
    Money::new(cents, Currency::USD)
}

/// A GTIN-13 from the range that GS1 keeps for numbers of a company's own (200 to 299): never anybody's real goods.
fn barcode(at: usize) -> Arc<str> {
    let digits = format!("20417{at:07}");
    format!("{digits}{}", check_digit(&digits)).into()
}

/// The last digit of a GTIN-13: what brings the sum of the others, weighted 1 and 3 in turn, to a multiple of ten.
fn check_digit(digits: &str) -> u32 {
    let sum: u32 = digits
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .zip([1, 3].into_iter().cycle())
        .map(|(d, w)| d * w)
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn some_three_hundred_goods_each_with_a_name_of_its_own() {
        let goods = catalogue(1);
        assert!((280..=330).contains(&goods.len()), "{}", goods.len());
        let names: BTreeSet<&str> = goods.iter().map(|good| good.sku().as_str()).collect();
        let titles: BTreeSet<&str> = goods.iter().map(|good| &*good.item.title).collect();
        assert_eq!((names.len(), titles.len()), (goods.len(), goods.len()));
        assert_eq!(goods.iter().filter(|good| good.is_kit()).count(), KITS.len());
    }

    #[test]
    fn kits_have_every_part_and_sell_below_the_sum_of_them() {
        let goods = catalogue(1);
        for (kit, good) in KITS.iter().zip(goods.iter().filter(|good| good.is_kit())) {
            assert_eq!(good.parts.len(), kit.parts.len(), "{}", kit.code);
            let apart: i64 =
                good.parts.iter().map(|(at, units)| goods[*at].item.price.unwrap().amount * units).sum();
            let cost = good.item.unit_cost.unwrap().amount;
            assert!(kit.price < apart && kit.price > cost, "{}: {cost} < {} < {apart}", kit.code, kit.price);
        }
    }

    #[test]
    fn barcodes_are_right_and_nobody_elses() {
        // The example of the GS1 General Specifications, section 7.9.
        assert_eq!(check_digit("629104150021"), 3);
        let goods = catalogue(1);
        let codes: BTreeSet<&str> = goods.iter().filter_map(|good| good.item.barcode.as_deref()).collect();
        assert_eq!(codes.len(), goods.len());
        for code in codes {
            let (digits, check) = code.split_at(12);
            assert!(code.len() == 13 && code.starts_with('2'), "{code}");
            assert_eq!(check, check_digit(digits).to_string());
        }
    }

    #[test]
    fn prices_are_above_costs() {
        for good in catalogue(1) {
            let (price, cost) = (good.item.price.unwrap().amount, good.item.unit_cost.unwrap().amount);
            assert!(cost > 0 && price > cost, "{}", good.item.title);
        }
    }
}
