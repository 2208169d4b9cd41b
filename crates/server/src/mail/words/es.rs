//! Spanish.

use model::time::Date;
use obligation::{
    legal::RefundForm,
    notice::{Clause, NoticeKind},
};

use super::{Language, Phrase, month, parcel, translated};

pub(super) struct Spanish;

const MONTHS: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

const REASONS: [&str; 11] = [
    "nuestro proveedor nos ha dado otra fecha",
    "se anuló una entrega que esperábamos",
    "una entrega que esperamos se retrasa",
    "una entrega no llegó como esperábamos",
    "hemos vuelto a contar nuestras existencias",
    "han quedado unidades libres en nuestro almacén",
    "la mercancía con la que contábamos llega en otro momento",
    "usted lo canceló",
    "le habíamos preguntado si quería esperar, y sin su respuesta no podemos",
    "no pudimos enviarlo a tiempo",
    "no podemos enviarlo",
];

impl Language for Spanish {
    fn code(&self) -> &'static str {
        "es"
    }

    fn date(&self, date: Date) -> String {
        format!("{} de {} de {}", date.day(), month(&MONTHS, date), date.year())
    }

    fn hello(&self, name: Option<&str>) -> String {
        name.map_or_else(|| "Hola:".to_owned(), |name| format!("Hola, {name}:"))
    }

    fn clause(&self, clause: &Clause) -> String {
        match clause {
            Clause::OldDate { ship_by: Some(date) } => {
                format!("Le habíamos dicho que se enviaría antes del final del {}.", self.date(*date))
            }
            Clause::OldDate { ship_by: None } => {
                "Hasta ahora no podíamos decir cuándo se enviaría.".to_owned()
            }
            Clause::NewDate { new } => match (new.ship_by, new.deliver_by) {
                (Some(ship), Some(deliver)) if deliver != ship => format!(
                    "Se envía a más tardar el {} y debería llegarle a más tardar el {}.",
                    self.date(ship),
                    self.date(deliver)
                ),
                (Some(ship), _) => format!("Se envía a más tardar el {}.", self.date(ship)),
                (None, _) => self.clause(&Clause::NoDate),
            },
            Clause::NoDate => "No podemos decir cuándo se enviará.".to_owned(),
            Clause::Reason { reason } => format!("El motivo: {}.", self.reason(reason).unwrap_or(reason)),
            Clause::RightToCancel => {
                "Puede cancelar ahora y le devolveremos enseguida todo lo que pagó.".to_owned()
            }
            Clause::SilenceKeeps { until: Some(date) } => format!(
                "Si no tenemos noticias suyas antes del envío y a más tardar el {}, entenderemos que acepta esperar.",
                self.date(*date)
            ),
            Clause::SilenceKeeps { until: None } => {
                "Si no tenemos noticias suyas, su pedido sigue en pie.".to_owned()
            }
            Clause::SilenceCancels { after } => format!(
                "Si el {} no se ha enviado ni usted ha aceptado esperar, lo cancelamos y le devolvemos su dinero.",
                self.date(*after)
            ),
            Clause::ContinuingRight => {
                "Aunque acepte esperar, puede cancelar en cualquier momento hasta el envío.".to_owned()
            }
            Clause::FreeMeans => "Responder no le cuesta nada: use el enlace de abajo.".to_owned(),
            Clause::Cancelled => "Se ha cancelado.".to_owned(),
            Clause::Refund { form: RefundForm::Money, by: Some(date) } => format!(
                "Su dinero vuelve por la misma vía por la que pagó; lo enviamos a más tardar el {}.",
                self.date(*date)
            ),
            Clause::Refund { form: RefundForm::Money, by: None } => {
                "Su dinero vuelve por la misma vía por la que pagó.".to_owned()
            }
            Clause::Refund { form: RefundForm::NoChargeStatement, .. } => {
                "No se le ha cobrado nada por ello, ni se le cobrará.".to_owned()
            }
            Clause::Shipped { deliver_by: Some(date) } => {
                format!("Está en camino y debería llegarle a más tardar el {}.", self.date(*date))
            }
            Clause::Shipped { deliver_by: None } => "Está en camino.".to_owned(),
            Clause::NoNews => "Todavía no hay novedades; su pedido está seguro.".to_owned(),
            Clause::StillWanted => "Ya está aquí, al precio de su pedido. ¿Lo quiere todavía?".to_owned(),
            Clause::SilenceShips => "Si no tenemos noticias suyas, lo enviamos.".to_owned(),
        }
    }

    fn subject(&self, kind: NoticeKind, number: &str) -> String {
        match kind {
            NoticeKind::DelayFirst => format!("Una nueva fecha para su pedido {number}"),
            NoticeKind::DelayRepeated => {
                format!("Otra nueva fecha para su pedido {number}: responda, por favor")
            }
            NoticeKind::DelayIndefinite => {
                format!("Aún sin fecha para su pedido {number}: responda, por favor")
            }
            NoticeKind::Earlier => format!("Su pedido {number} se envía antes"),
            NoticeKind::Cancelled => format!("Su pedido {number}: cancelado"),
            NoticeKind::Shipped => format!("Su pedido {number} está en camino"),
            NoticeKind::Update => format!("Su pedido {number}: cómo está"),
            NoticeKind::Reconfirm => format!("Su pedido {number} ya está aquí: ¿lo quiere todavía?"),
        }
    }

    fn reason(&self, reason: &str) -> Option<&'static str> {
        translated(&REASONS, reason)
    }

    fn phrase(&self, phrase: Phrase<'_>) -> String {
        match phrase {
            Phrase::AnswerHere => "Mantener o cancelar, con dos clics:".to_owned(),
            Phrase::SeeHere => "Cómo está, en cualquier momento, y cómo cancelarlo:".to_owned(),
            Phrase::AlwaysNow => "Esa página muestra siempre la fecha actual.".to_owned(),
            Phrase::Confirmed(number, date) => {
                format!("Su pedido {number} se envía a más tardar el {}", self.date(date))
            }
            Phrase::ConfirmedUndated(number) => format!("Su pedido {number}"),
            Phrase::Thanks(number) => format!("gracias por su pedido {number}."),
            Phrase::ShipsBy(date) => format!("se envía a más tardar el {}", self.date(date)),
            Phrase::NoDate => "aún sin fecha".to_owned(),
            Phrase::AboutOrder(number) => format!("Sobre su pedido {number}"),
            Phrase::AQuestion => "Una pregunta para usted".to_owned(),
            Phrase::AnswerByClick => "Responder con un clic:".to_owned(),
            Phrase::WriteBack => "Responder y ver cómo está su pedido:".to_owned(),
            Phrase::HereAgain(title) => format!("{title} está disponible de nuevo: lo guardamos para usted"),
            Phrase::HeldUntil { units, title, until } => {
                format!(
                    "Guardamos {units} × {title} para usted hasta el {until}. Después le toca a la siguiente persona."
                )
            }
            Phrase::OrderHere => "Pedir aquí:".to_owned(),
            Phrase::LeaveList => "¿Ya no le interesa? Salga de la lista aquí:".to_owned(),
            Phrase::PleasePay(number, amount) => format!("Su pedido {number}: le falta pagar {amount}"),
            Phrase::CouldNotTake(amount, until) => {
                format!(
                    "No hemos podido cobrar {amount} de su pedido. Páguelo a más tardar el {}: hasta entonces guardamos su lugar.",
                    self.date(until)
                )
            }
            Phrase::PleaseSaveCard(number) => format!("Su pedido {number}: falta un paso"),
            Phrase::NoCard(until) => {
                format!(
                    "Su pedido aún no tiene una tarjeta guardada. No se cobra nada antes del envío. Guarde una a más tardar el {}: \
                     hasta entonces guardamos su lugar.",
                    self.date(until)
                )
            }
            Phrase::PayHere => "Aquí, con cualquier tarjeta:".to_owned(),
            Phrase::BalanceSoon(number, date) => {
                format!("Su pedido {number}: el resto se cobra el {}", self.date(date))
            }
            Phrase::BalanceOn(amount, date) => {
                format!(
                    "El {} cobramos {amount} con la tarjeta guardada. Hasta entonces puede cancelar, y no se cobra nada.",
                    self.date(date)
                )
            }
            Phrase::Withdrawn(number) => format!("Recibo: desistimiento de su pedido {number}"),
            Phrase::WithdrawnAt(at) => format!("Recibimos su desistimiento del contrato el {at}."),
            Phrase::AfterWithdrawal => {
                "Lo que no se había enviado queda cancelado. Devuelva lo recibido en un plazo de 14 días. Lo que pagó vuelve por el \
                 mismo medio en un plazo de 14 días."
                    .to_owned()
            }
            Phrase::PaidNow(amount) => format!("{amount} al hacer el pedido"),
            Phrase::PaidOn(amount, date) => format!("{amount} el {}", self.date(date)),
            Phrase::PaidOnShip(amount) => format!("{amount} al enviarlo"),
            Phrase::PaidByInvoice(amount) => format!("{amount} con factura"),
            Phrase::Parcel { date, carrier, number } => parcel(
                &format!("Enviado el {}", self.date(date)),
                carrier.map(|carrier| format!("con {carrier}")),
                number.map(|number| format!("número de seguimiento {number}")),
            ),
            Phrase::FinalSale(what) => {
                format!("Venta definitiva: {what}. No se puede cancelar, salvo que se envíe más tarde de lo prometido; entonces se le devuelve todo lo que pagó por ello.")
            }
            Phrase::MadeForYou(what) => {
                format!("Hecho para usted: {what}. No se puede cancelar ni devolver, salvo que se envíe más tarde de lo prometido; entonces se le devuelve todo lo que pagó por ello. Si es defectuoso, conserva todos sus derechos.")
            }
            Phrase::RestFree => {
                "Todo lo demás se puede cancelar gratis hasta el envío; lo que pagó se devuelve por la misma vía.".to_owned()
            }
            Phrase::CancelFree => {
                "Puede cancelar sin coste hasta el envío; lo que pagó vuelve por el mismo medio.".to_owned()
            }
            Phrase::MayWithdraw(days) => {
                format!("Tras recibirlo puede desistir durante {days} días, sin dar motivos.")
            }
        }
    }
}
