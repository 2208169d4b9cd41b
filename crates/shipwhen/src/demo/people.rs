//! The sample shop's customers: every name is made up, every address is at example.com.

use std::{collections::BTreeSet, sync::Arc};

use model::command::Contact;

use super::{
    random::Random,
    terms::{MEMBERS, TRADE},
};

/// Somebody who orders.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) contact: Contact,
    pub(super) country: &'static str,
    pub(super) group: Option<&'static str>,
}

/// Where people live and what they are called there.
struct Land {
    /// Of a hundred customers.
    share: u64,
    country: &'static str,
    locale: &'static str,
    /// A postcode: `0` stands for any digit, `A` for any letter.
    postcode: &'static str,
    names: &'static Names,
}

struct Names {
    first: &'static [&'static str],
    last: &'static [&'static str],
}

const ENGLISH: Names = Names {
    first: &[
        "Ada", "Amos", "Beatrice", "Caleb", "Cora", "Dana", "Desmond", "Edith", "Elias", "Fern", "Gideon",
        "Greta", "Hattie", "Hugo", "Imogen", "Isaac", "Jada", "Jonah", "Keziah", "Lewis", "Luna", "Malik",
        "Marcy", "Nadia", "Nolan", "Odette", "Omar", "Pearl", "Priya", "Quentin", "Rosa", "Rufus", "Selma",
        "Silas", "Tamsin", "Theo", "Uma", "Victor", "Wren", "Yusuf",
    ],
    last: &[
        "Abernathy",
        "Ashgrove",
        "Barlow",
        "Birchall",
        "Calloway",
        "Castellan",
        "Dunmore",
        "Easterly",
        "Fairweather",
        "Farrow",
        "Gallowglass",
        "Greenhalgh",
        "Hartwell",
        "Holloway",
        "Inglewood",
        "Jessop",
        "Kettering",
        "Larkin",
        "Lockridge",
        "Marlowe",
        "Merriweather",
        "Nightingale",
        "Oakhurst",
        "Okafor",
        "Pemberton",
        "Pickering",
        "Quillfeather",
        "Ramanathan",
        "Ravenscroft",
        "Rowntree",
        "Saltmarsh",
        "Stonebridge",
        "Thackeray",
        "Thistlewood",
        "Underhill",
        "Vasquez",
        "Wainwright",
        "Whitlock",
        "Yarrow",
        "Zeller",
    ],
};
const GERMAN: Names = Names {
    first: &[
        "Anke", "Bernd", "Clara", "Dieter", "Elif", "Frieda", "Henning", "Ines", "Jonas", "Katrin", "Lasse",
        "Mira", "Ole", "Ruth",
    ],
    last: &[
        "Ackermann",
        "Birkenfeld",
        "Dornbusch",
        "Eichhorn",
        "Fährmann",
        "Grünwald",
        "Hollerbach",
        "Kiefer",
        "Lindqvist",
        "Moosbrugger",
        "Rehbein",
        "Steinhauer",
        "Weidenkopf",
        "Yılmaz",
    ],
};
const FRENCH: Names = Names {
    first: &[
        "Adèle", "Bastien", "Camille", "Élodie", "Florent", "Gaspard", "Léonie", "Mathis", "Noémie", "Rémi",
    ],
    last: &[
        "Beauchêne",
        "Charpentier",
        "Delacroix",
        "Fontaine",
        "Lemoine",
        "Montclar",
        "Rivière",
        "Sauvage",
        "Tisserand",
        "Vallon",
    ],
};
const NORDIC: Names = Names {
    first: &[
        "Astrid", "Bram", "Elin", "Femke", "Gustav", "Ingrid", "Joris", "Lotte", "Mads", "Sanne", "Signe",
        "Tobias",
    ],
    last: &[
        "Bergström",
        "van den Berg",
        "Dahl",
        "Ekdal",
        "Holm",
        "de Jong",
        "Kjær",
        "Lund",
        "Molenaar",
        "Nyström",
        "Søndergaard",
        "Visser",
    ],
};

const LANDS: &[Land] = &[
    Land { share: 70, country: "US", locale: "en-US", postcode: "00000", names: &ENGLISH },
    Land { share: 7, country: "CA", locale: "en-CA", postcode: "A0A 0A0", names: &ENGLISH },
    Land { share: 4, country: "GB", locale: "en-GB", postcode: "AA0 0AA", names: &ENGLISH },
    Land { share: 8, country: "DE", locale: "de-DE", postcode: "00000", names: &GERMAN },
    Land { share: 2, country: "AT", locale: "de-AT", postcode: "0000", names: &GERMAN },
    Land { share: 3, country: "FR", locale: "fr-FR", postcode: "00000", names: &FRENCH },
    Land { share: 2, country: "NL", locale: "nl-NL", postcode: "0000 AA", names: &NORDIC },
    Land { share: 2, country: "SE", locale: "sv-SE", postcode: "000 00", names: &NORDIC },
    Land { share: 2, country: "DK", locale: "da-DK", postcode: "0000", names: &NORDIC },
];

/// Shops that buy wholesale.
const SHOPS: &[(&str, &str, &str, &str)] = &[
    ("Birch & Board, Portland", "birch.and.board", "US", "97205"),
    ("Kettle Creek Mercantile", "kettle.creek", "US", "59715"),
    ("The Copper Spoon", "copper.spoon", "US", "05401"),
    ("Lakeshore Provisions", "lakeshore", "US", "49684"),
    ("High Meadow Outfitters", "high.meadow", "US", "80435"),
    ("Salt & Sparrow", "salt.and.sparrow", "US", "04101"),
    ("Juniper Row", "juniper.row", "US", "87501"),
    ("North Fork General", "north.fork", "US", "83702"),
    ("Tidewater Kitchen", "tidewater.kitchen", "US", "23220"),
    ("Cedar & Stone, Calgary", "cedar.and.stone", "CA", "T2P 1J9"),
    ("Waldkontor, Freiburg", "waldkontor", "DE", "79098"),
    ("Küche am Hafen, Kiel", "kueche.am.hafen", "DE", "24103"),
    ("De Kookwinkel, Utrecht", "kookwinkel", "NL", "3511 LX"),
];

/// People who may order: so many who buy for themselves. Shape: each with an address of their own.
pub(super) fn people(seed: u64, count: usize) -> Vec<Person> {
    let mut random = Random::new(seed, "people");
    let shares: Vec<u64> = LANDS
        .iter()
        .scan(0, |total, land| {
            *total += land.share;
            Some(*total)
        })
        .collect();
    let mut known = BTreeSet::new();
    (0..count)
        .map(|_| {
            let land = &LANDS[random.by_weight(&shares)];
            person(land, &mut random, &mut known)
        })
        .collect()
}

/// Shops that buy wholesale.
pub(super) fn shops() -> Vec<Person> {
    let shop = |(name, address, country, postcode): &(&'static str, &str, &'static str, &str)| {
        let contact = Contact {
            email: Some(format!("{address}@example.com").into()),
            name: Some((*name).into()),
            address: None,
            postcode: Some((*postcode).into()),
            locale: Some(if *country == "DE" { "de-DE" } else { "en-US" }.into()),
        };
        Person { contact, country, group: Some(TRADE) }
    };
    SHOPS.iter().map(shop).collect()
}

fn person(land: &Land, random: &mut Random, known: &mut BTreeSet<String>) -> Person {
    let first = random.pick(land.names.first);
    let last = random.pick(land.names.last);
    let local = plain(&format!("{first}.{last}"));
    let email = (1..)
        .map(|n| if n == 1 { format!("{local}@example.com") } else { format!("{local}{n}@example.com") })
        .find(|email| !known.contains(email))
        .unwrap_or_default();
    known.insert(email.clone());
    let contact = Contact {
        email: Some(email.into()),
        name: Some(format!("{first} {last}").into()),
        address: None,
        postcode: Some(postcode(land.postcode, random)),
        locale: Some(land.locale.into()),
    };
    Person { contact, country: land.country, group: random.chance(12).then_some(MEMBERS) }
}

fn postcode(form: &str, random: &mut Random) -> Arc<str> {
    let filled: String = form
        .chars()
        .map(|place| match place {
            '0' => *random.pick(&['1', '2', '3', '4', '5', '6', '7', '8', '9']),
            'A' => *random.pick(&['B', 'C', 'E', 'H', 'K', 'L', 'N', 'P', 'R', 'T', 'V', 'X']),
            other => other,
        })
        .collect();
    filled.into()
}

/// A name as it stands in an address.
fn plain(name: &str) -> String {
    let mut text = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            'ä' | 'æ' => text.push_str("ae"),
            'ö' | 'ø' => text.push_str("oe"),
            'ü' => text.push_str("ue"),
            'å' | 'à' | 'â' => text.push('a'),
            'è' | 'é' | 'ê' => text.push('e'),
            'ı' | 'î' => text.push('i'),
            '.' => text.push('.'),
            letter if letter.is_ascii_alphanumeric() => text.push(letter),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_an_address_of_their_own_at_example_com() {
        let people: Vec<Person> = people(1, 1_500).into_iter().chain(shops()).collect();
        let addresses: BTreeSet<&str> =
            people.iter().filter_map(|person| person.contact.email.as_deref()).collect();
        assert_eq!(addresses.len(), people.len());
        for address in addresses {
            let local = address.strip_suffix("@example.com").unwrap();
            assert!(
                local.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.'),
                "{address}"
            );
        }
    }

    #[test]
    fn shares_of_countries_add_up() {
        assert_eq!(LANDS.iter().map(|land| land.share).sum::<u64>(), 100);
    }
}
