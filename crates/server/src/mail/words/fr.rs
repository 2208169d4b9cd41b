//! French.

use model::time::Date;
use obligation::{
    legal::RefundForm,
    notice::{Clause, NoticeKind},
};

use super::{Language, Phrase, month, parcel, translated};

pub(super) struct French;

const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

const REASONS: [&str; 11] = [
    "notre fournisseur nous a donné une autre date",
    "une livraison qui nous était destinée a été annulée",
    "une livraison que nous attendons a du retard",
    "une livraison n’était pas conforme à nos attentes",
    "notre stock a été recompté",
    "des unités se sont libérées dans notre stock",
    "la marchandise sur laquelle nous comptions arrive à un autre moment",
    "vous l’avez annulée",
    "nous vous avions demandé si vous vouliez attendre, et ne le pouvons pas sans votre réponse",
    "nous n’avons pas pu l’expédier à temps",
    "nous ne pouvons pas l’expédier",
];

impl Language for French {
    fn code(&self) -> &'static str {
        "fr"
    }

    fn date(&self, date: Date) -> String {
        let day = if date.day() == 1 { "1er".to_owned() } else { date.day().to_string() };
        format!("{day} {} {}", month(&MONTHS, date), date.year())
    }

    fn hello(&self, name: Option<&str>) -> String {
        name.map_or_else(|| "Bonjour,".to_owned(), |name| format!("Bonjour {name},"))
    }

    fn clause(&self, clause: &Clause) -> String {
        match clause {
            Clause::OldDate { ship_by: Some(date) } => {
                format!("Nous avions annoncé une expédition au plus tard le {}.", self.date(*date))
            }
            Clause::OldDate { ship_by: None } => {
                "Nous n’avions pas pu annoncer de date d’expédition.".to_owned()
            }
            Clause::NewDate { new } => match (new.ship_by, new.deliver_by) {
                (Some(ship), Some(deliver)) if deliver != ship => format!(
                    "L’expédition se fera au plus tard le {} et l’arrivée au plus tard le {}.",
                    self.date(ship),
                    self.date(deliver)
                ),
                (Some(ship), _) => format!("L’expédition se fera au plus tard le {}.", self.date(ship)),
                (None, _) => self.clause(&Clause::NoDate),
            },
            Clause::NoDate => "Nous ne pouvons pas dire quand l’expédition se fera.".to_owned(),
            Clause::Reason { reason } => {
                format!("La raison : {}.", self.reason(reason).unwrap_or(reason))
            }
            Clause::RightToCancel => {
                "Vous pouvez annuler maintenant et serez remboursé rapidement de tout ce que vous avez payé."
                    .to_owned()
            }
            Clause::SilenceKeeps { until: Some(date) } => format!(
                "Sans nouvelles de vous avant l’expédition et d’ici le {}, nous comprendrons que vous acceptez d’attendre.",
                self.date(*date)
            ),
            Clause::SilenceKeeps { until: None } => {
                "Sans nouvelles de vous, votre commande reste en place.".to_owned()
            }
            Clause::SilenceCancels { after } => format!(
                "Si le {} elle n’est pas expédiée et que vous n’avez pas accepté d’attendre, nous l’annulons et vous remboursons.",
                self.date(*after)
            ),
            Clause::ContinuingRight => {
                "Même si vous acceptez d’attendre, vous pouvez annuler à tout moment jusqu’à l’expédition."
                    .to_owned()
            }
            Clause::FreeMeans => "Répondre ne vous coûte rien : utilisez le lien ci-dessous.".to_owned(),
            Clause::Cancelled => "La commande a été annulée.".to_owned(),
            Clause::Refund { form: RefundForm::Money, by: Some(date) } => format!(
                "Votre argent vous est rendu par le moyen de paiement utilisé ; nous l’envoyons au plus tard le {}.",
                self.date(*date)
            ),
            Clause::Refund { form: RefundForm::Money, by: None } => {
                "Votre argent vous est rendu par le moyen de paiement utilisé.".to_owned()
            }
            Clause::Refund { form: RefundForm::NoChargeStatement, .. } => {
                "Rien ne vous a été débité pour cela, et rien ne le sera.".to_owned()
            }
            Clause::Shipped { deliver_by: Some(date) } => {
                format!(
                    "Elle est en route et devrait arriver chez vous au plus tard le {}.",
                    self.date(*date)
                )
            }
            Clause::Shipped { deliver_by: None } => "Elle est en route.".to_owned(),
            Clause::NoNews => "Il n’y a pas encore de nouvelles ; votre commande est en sécurité.".to_owned(),
            Clause::StillWanted => {
                "Elle est arrivée, au prix de votre commande. La voulez-vous toujours ?".to_owned()
            }
            Clause::SilenceShips => "Sans nouvelles de vous, nous l’expédions.".to_owned(),
        }
    }

    fn subject(&self, kind: NoticeKind, number: &str) -> String {
        match kind {
            NoticeKind::DelayFirst => format!("Une nouvelle date pour votre commande {number}"),
            NoticeKind::DelayRepeated => {
                format!("Encore une nouvelle date pour votre commande {number} : merci de répondre")
            }
            NoticeKind::DelayIndefinite => {
                format!("Pas encore de date pour votre commande {number} : merci de répondre")
            }
            NoticeKind::Earlier => format!("Votre commande {number} part plus tôt"),
            NoticeKind::Cancelled => format!("Votre commande {number} : annulée"),
            NoticeKind::Shipped => format!("Votre commande {number} est en route"),
            NoticeKind::Update => format!("Votre commande {number} : où elle en est"),
            NoticeKind::Reconfirm => {
                format!("Votre commande {number} est arrivée : la voulez-vous toujours ?")
            }
        }
    }

    fn reason(&self, reason: &str) -> Option<&'static str> {
        translated(&REASONS, reason)
    }

    fn phrase(&self, phrase: Phrase<'_>) -> String {
        match phrase {
            Phrase::AnswerHere => "Garder ou annuler, en deux clics :".to_owned(),
            Phrase::SeeHere => "Où elle en est, à tout moment, et comment l’annuler :".to_owned(),
            Phrase::AlwaysNow => "Cette page montre toujours la date actuelle.".to_owned(),
            Phrase::Confirmed(number, date) => {
                format!("Votre commande {number} part au plus tard le {}", self.date(date))
            }
            Phrase::ConfirmedUndated(number) => format!("Votre commande {number}"),
            Phrase::Thanks(number) => format!("merci pour votre commande {number}."),
            Phrase::ShipsBy(date) => format!("part au plus tard le {}", self.date(date)),
            Phrase::NoDate => "pas encore de date".to_owned(),
            Phrase::AboutOrder(number) => format!("À propos de votre commande {number}"),
            Phrase::AQuestion => "Une question pour vous".to_owned(),
            Phrase::AnswerByClick => "Répondre en un clic :".to_owned(),
            Phrase::WriteBack => "Répondre et voir où en est votre commande :".to_owned(),
            Phrase::HereAgain(title) => format!("{title} est de retour : nous vous le gardons"),
            Phrase::HeldUntil { units, title, until } => {
                format!(
                    "Nous gardons {units} × {title} pour vous jusqu’au {until}. Ensuite, c’est au tour de la personne suivante."
                )
            }
            Phrase::OrderHere => "Commander ici :".to_owned(),
            Phrase::LeaveList => "Plus intéressé ? Quittez la liste ici :".to_owned(),
            Phrase::PleasePay(number, amount) => format!("Votre commande {number} : il reste à payer {amount}"),
            Phrase::CouldNotTake(amount, until) => {
                format!(
                    "Nous n’avons pas pu prélever {amount} pour votre commande. Merci de payer avant le {} : d’ici là, nous gardons \
                     votre place.",
                    self.date(until)
                )
            }
            Phrase::PleaseSaveCard(number) => format!("Votre commande {number} : il manque une étape"),
            Phrase::NoCard(until) => {
                format!(
                    "Aucune carte n’est encore enregistrée pour votre commande. Rien n’est prélevé avant l’envoi. Merci d’en \
                     enregistrer une avant le {} : d’ici là, nous gardons votre place.",
                    self.date(until)
                )
            }
            Phrase::PayHere => "Ici, avec n’importe quelle carte :".to_owned(),
            Phrase::BalanceSoon(number, date) => {
                format!("Votre commande {number} : le solde est prélevé le {}", self.date(date))
            }
            Phrase::BalanceOn(amount, date) => {
                format!(
                    "Le {}, nous prélevons {amount} sur la carte enregistrée. D’ici là, vous pouvez annuler, et rien n’est prélevé.",
                    self.date(date)
                )
            }
            Phrase::Withdrawn(number) => format!("Reçu : rétractation de votre commande {number}"),
            Phrase::WithdrawnAt(at) => format!("Nous avons reçu votre rétractation le {at}."),
            Phrase::AfterWithdrawal => {
                "Ce qui n’était pas envoyé est annulé. Merci de renvoyer ce que vous avez reçu sous 14 jours. Ce que vous avez payé \
                 est remboursé par le même moyen sous 14 jours."
                    .to_owned()
            }
            Phrase::PaidNow(amount) => format!("{amount} à la commande"),
            Phrase::PaidOn(amount, date) => format!("{amount} le {}", self.date(date)),
            Phrase::PaidOnShip(amount) => format!("{amount} à l’envoi"),
            Phrase::PaidByInvoice(amount) => format!("{amount} sur facture"),
            Phrase::Parcel { date, carrier, number } => parcel(
                &format!("Expédié le {}", self.date(date)),
                carrier.map(|carrier| format!("avec {carrier}")),
                number.map(|number| format!("numéro de suivi {number}")),
            ),
            Phrase::FinalSale(what) => {
                format!("Vente définitive : {what}. Elle ne peut pas être annulée, sauf si l’expédition a lieu plus tard que promis ; tout ce que vous avez payé vous est alors rendu.")
            }
            Phrase::MadeForYou(what) => {
                format!("Fabriqué pour vous : {what}. La commande ne peut être ni annulée ni retournée, sauf si l’expédition a lieu plus tard que promis ; tout ce que vous avez payé vous est alors rendu. En cas de défaut, vous gardez tous vos droits.")
            }
            Phrase::RestFree => {
                "Tout le reste peut être annulé sans frais jusqu’à l’expédition ; ce que vous avez payé est rendu par la même voie.".to_owned()
            }
            Phrase::CancelFree => {
                "Vous pouvez annuler sans frais jusqu’à l’envoi ; ce que vous avez payé est remboursé par le même moyen.".to_owned()
            }
            Phrase::MayWithdraw(days) => {
                format!("Après réception, vous avez {days} jours pour vous rétracter, sans motif.")
            }
        }
    }
}
