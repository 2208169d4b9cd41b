//! What left of an order, parcel by parcel, and where its carrier shows it: the same for the API, the pages and mails.

use std::sync::Arc;

use connect::webhook::guard;
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    id::TenantId,
    order::Order,
    parcel::{PARCEL, Parcel},
};

use crate::pages::encoded;

/// Most parcels of one order that are shown.
const PARCELS_MAX: usize = 500;
/// Longest address of a carrier's page, in characters.
pub(crate) const URL_CHARS_MAX: usize = 500;

/// Carriers whose page for a number is known: names as people write them, without case and blanks, and the address before the
/// number.
const CARRIERS: [(&[&str], &str); 13] = [
    (&["ups"], "https://www.ups.com/track?tracknum="),
    (&["fedex"], "https://www.fedex.com/fedextrack/?trknbr="),
    (&["usps"], "https://tools.usps.com/go/TrackConfirmAction?tLabels="),
    (&["dhlexpress"], "https://www.dhl.com/global-en/home/tracking.html?submit=1&tracking-id="),
    (
        &["dhl", "dhlpaket", "deutschepost"],
        "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=",
    ),
    (&["dpd"], "https://tracking.dpd.de/status/en_US/parcel/"),
    (&["gls"], "https://gls-group.com/GROUP/en/parcel-tracking?match="),
    (&["royalmail"], "https://www.royalmail.com/track-your-item#/tracking-results/"),
    (&["evri", "hermesuk"], "https://www.evri.com/track/parcel/"),
    (&["laposte", "colissimo"], "https://www.laposte.fr/outils/suivre-vos-envois?code="),
    (&["correos"], "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number="),
    (&["canadapost"], "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor="),
    (&["australiapost", "auspost"], "https://auspost.com.au/mypost/track/#/details/"),
];

/// Names of carriers to choose from, as they write them themselves.
pub(crate) const NAMES: [&str; 13] = [
    "UPS",
    "FedEx",
    "USPS",
    "DHL",
    "DHL Express",
    "DPD",
    "GLS",
    "Royal Mail",
    "Evri",
    "La Poste",
    "Correos",
    "Canada Post",
    "Australia Post",
];

/// The parcels of an order with their ids, the first sent first; it is read only for an order of which something left.
pub(crate) fn of_order(
    store: &mut dyn Read,
    tenant: &TenantId,
    order: &Order,
) -> Result<Vec<(Arc<str>, Parcel)>, StoreError> {
    if order.lines.iter().all(|line| line.shipped == 0) {
        return Ok(Vec::new());
    }
    let owner = order.id.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let found = store.record_page(tenant, Shelf::Ledger, PARCEL, &filter, (None, PARCELS_MAX))?;
    let read = |record: &model::record::Record| Some((Arc::clone(&record.id), record.read().ok()??));
    let mut parcels: Vec<(Arc<str>, Parcel)> = found.iter().filter_map(read).collect();
    parcels.sort_by_key(|(_, parcel)| parcel.shipped_at);
    Ok(parcels)
}

/// Where the carrier shows a parcel: as the shop set it, else as it is known from the carrier's name and the number.
pub(crate) fn link(parcel: &Parcel) -> Option<String> {
    if let Some(url) = parcel.tracking_url.as_deref().filter(|url| is_address(url)) {
        return Some(url.to_owned());
    }
    let name: String = parcel.carrier.as_deref()?.chars().filter(|c| c.is_alphanumeric()).collect();
    let name = name.to_lowercase();
    let (_, address) = CARRIERS.iter().find(|(names, _)| names.contains(&&*name))?;
    Some(format!("{address}{}", encoded(parcel.tracking.as_deref()?)))
}

/// Whether a text is an address that customers are sent to: `https`, whole, and not somebody's name and password.
pub(crate) fn is_address(url: &str) -> bool {
    url.starts_with("https://") && url.chars().count() <= URL_CHARS_MAX && guard::is_address(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(carrier: &str, tracking: &str, url: &str) -> Parcel {
        let some = |text: &str| (!text.is_empty()).then(|| text.into());
        Parcel {
            shipped_at: model::time::Timestamp::UNIX_EPOCH,
            carrier: some(carrier),
            tracking: some(tracking),
            tracking_url: some(url),
            lines: vec![(1, 2)],
        }
    }

    #[test]
    fn a_link_is_the_shops_own_or_that_of_a_known_carrier() {
        let link = |carrier, number, url| link(&parcel(carrier, number, url));
        assert_eq!(
            link("Royal Mail", "AB 1/2", "").as_deref(),
            Some("https://www.royalmail.com/track-your-item#/tracking-results/AB%201%2F2")
        );
        assert_eq!(link("ups", "1Z9", "").as_deref(), Some("https://www.ups.com/track?tracknum=1Z9"));
        assert_eq!(link("UPS", "1Z9", "https://box.test/?n=1").as_deref(), Some("https://box.test/?n=1"));
        for (carrier, number, url) in [
            ("UPS", "", ""),
            ("", "1Z9", ""),
            ("A carrier of the town", "1Z9", ""),
            ("", "1Z9", "http://box.test/1"),
            ("", "1Z9", "javascript:alert(1)"),
            ("", "1Z9", "https://shop@box.test/1"),
        ] {
            assert_eq!(link(carrier, number, url), None, "{carrier} {number} {url}");
        }
    }

    #[test]
    fn every_carrier_to_choose_has_a_page() {
        for name in NAMES {
            let address = link(&parcel(name, "1", "")).unwrap_or_default();
            assert!(is_address(&address) && address.ends_with('1'), "{name}: {address}");
        }
    }
}
