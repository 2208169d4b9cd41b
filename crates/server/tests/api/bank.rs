//! A provider of payments in memory: strict about keys and amounts, and faulty as told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use connect::payments::{Commission, PaymentProvider};
use model::{
    errand::{Errand, Facts, Heard, Known, Manner, What, Word},
    id::OrderId,
    time::{Timestamp, seconds_after},
};

/// What the bank says to a charge of the saved method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Pays,
    Declines,
    DeclinesForGood,
    AsksForCustomer,
}

/// What happens to a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives.
    Lost,
    /// It has its effect; the answer is lost.
    AnswerLost,
}

/// Where a charge stands at the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stand {
    Waits,
    Failed(Word),
    Held { until: Timestamp },
    Paid { amount: i64 },
    Saved,
    Gone,
}

#[derive(Debug, Clone)]
struct Intent {
    order: OrderId,
    amount: i64,
    holds: bool,
    saves: bool,
    setup: bool,
    /// The saved method that it was charged to.
    method: Option<Arc<str>>,
    stand: Stand,
    refunded: i64,
    disputed: Option<(i64, Option<bool>)>,
}

#[derive(Debug, Clone)]
struct Back {
    intent: String,
    amount: i64,
    word: Word,
}

#[derive(Default)]
struct State {
    intents: BTreeMap<String, Intent>,
    refunds: BTreeMap<String, Back>,
    /// What was done under each key, with what was asked: another wish under the same key is a defect.
    keys: BTreeMap<String, (String, Heard)>,
    cancelled: BTreeSet<OrderId>,
    moods: Vec<Mood>,
    faults: Vec<Option<Fault>>,
    refund_words: Vec<Word>,
    requests: usize,
    /// Where it goes by chance: moods, faults and refunds are thrown.
    dice: Option<Dice>,
}

/// Numbers that look random, the same from the same seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below another. Source: xorshift64*, Vigna 2016.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }
}

/// A bank. Cheap to share.
#[derive(Clone, Default)]
pub(crate) struct Bank(Arc<Mutex<State>>);

impl Bank {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What it says to the next charges of saved methods, the last first; then it pays.
    pub(crate) fn moods(&self, moods: &[Mood]) {
        self.state().moods = moods.iter().rev().copied().collect();
    }

    /// What happens to the next requests; then nothing.
    pub(crate) fn faults(&self, faults: &[Option<Fault>]) {
        self.state().faults = faults.iter().rev().copied().collect();
    }

    /// What it says to the next refunds; then they succeed.
    pub(crate) fn refund_words(&self, words: &[Word]) {
        self.state().refund_words = words.iter().rev().cloned().collect();
    }

    /// From now on it goes by chance.
    pub(crate) fn throws(&self, dice: Dice) {
        self.state().dice = Some(dice);
    }

    /// Nothing goes by chance any more.
    pub(crate) fn calms_down(&self) {
        self.state().dice = None;
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.state().requests
    }

    /// An order was called off: nothing of it may be charged by itself any more.
    pub(crate) fn cancelled(&self, order: OrderId) {
        self.state().cancelled.insert(order);
    }

    /// The customer does what is waited for: pays, saves a method, or sets money aside.
    pub(crate) fn customer_acts(&self, order: OrderId, now: Timestamp) -> usize {
        let mut acted = 0;
        for intent in self.state().intents.values_mut().filter(|intent| intent.order == order) {
            if matches!(intent.stand, Stand::Waits | Stand::Failed(_)) {
                intent.stand = paid(intent, now);
                acted += 1;
            }
        }
        acted
    }

    /// The newest paid charge of an order, by the bank's name.
    pub(crate) fn charge_of(&self, order: OrderId) -> Option<String> {
        let state = self.state();
        let of = state.intents.iter().rev();
        of.filter(|(_, intent)| intent.order == order && matches!(intent.stand, Stand::Paid { .. }))
            .map(|(name, _)| name.clone())
            .next()
    }

    /// The saved method that an order's newest paid charge was charged to.
    pub(crate) fn charged_to(&self, order: OrderId) -> Option<Arc<str>> {
        let charge = self.charge_of(order)?;
        self.state().intents[&charge].method.clone()
    }

    /// A customer asks the bank for money back; answers the dispute's name.
    pub(crate) fn dispute(&self, charge: &str) -> String {
        let mut state = self.state();
        let intent = state.intents.get_mut(charge).unwrap();
        let Stand::Paid { amount } = intent.stand else { panic!("{charge} is not paid") };
        intent.disputed = Some((amount, None));
        format!("dp_{charge}")
    }

    /// The same where nothing of it went back yet, so that the customer has a reason.
    pub(crate) fn may_dispute(&self, charge: &str) -> Option<String> {
        let is_whole = self.state().intents[charge].refunded == 0;
        is_whole.then(|| self.dispute(charge))
    }

    /// Whether the bank has still to decide.
    pub(crate) fn is_disputed(&self, charge: &str) -> bool {
        matches!(self.state().intents[charge].disputed, Some((_, None)))
    }

    /// The bank decides a dispute.
    pub(crate) fn decide(&self, charge: &str, won: bool) {
        let mut state = self.state();
        let intent = state.intents.get_mut(charge).unwrap();
        let (amount, _) = intent.disputed.unwrap();
        intent.disputed = Some((amount, Some(won)));
    }

    /// What a pending refund becomes.
    pub(crate) fn refunds_become(&self, word: &Word) {
        let mut state = self.state();
        let State { intents, refunds, .. } = &mut *state;
        for refund in refunds.values_mut().filter(|refund| refund.word == Word::Pending) {
            refund.word = word.clone();
            if *word == Word::RefundFailed
                && let Some(intent) = intents.get_mut(&refund.intent)
            {
                intent.refunded -= refund.amount;
            }
        }
    }

    /// What came of an order, and what went back: by refunds and by disputes.
    pub(crate) fn moved(&self, order: OrderId) -> (i64, i64) {
        let state = self.state();
        let (mut came, mut went) = (0, 0);
        for (name, intent) in state.intents.iter().filter(|(_, intent)| intent.order == order) {
            let Stand::Paid { amount } = intent.stand else { continue };
            came += amount;
            let refunds = state.refunds.values().filter(|back| back.intent == *name);
            let back: i64 = refunds.filter(|back| back.word == Word::Refunded).map(|back| back.amount).sum();
            let lost = intent.disputed.filter(|(_, won)| *won == Some(false)).map_or(0, |(amount, _)| amount);
            went += back + lost.min(amount - back);
        }
        (came, went)
    }
}

fn paid(intent: &Intent, now: Timestamp) -> Stand {
    match () {
        () if intent.setup => Stand::Saved,
        () if intent.holds => Stand::Held { until: seconds_after(now, 7 * 86_400).unwrap() },
        () => Stand::Paid { amount: intent.amount },
    }
}

impl PaymentProvider for Bank {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn carry(&self, of: &Commission<'_>) -> Heard {
        let mut state = self.state();
        state.requests += 1;
        let lost = Heard::just(Word::NotNow { code: "unreachable" });
        let thrown = state.roll(12);
        let fault = match thrown {
            Some(0) => Some(Fault::Lost),
            Some(1) => Some(Fault::AnswerLost),
            _ => state.faults.pop().flatten(),
        };
        if fault == Some(Fault::Lost) {
            return lost;
        }
        let wish = format!("{:?} {:?}", of.errand.what, of.errand.amount);
        let looks = matches!(of.errand.what, What::Look | What::Dispute(_));
        if of.errand.needless && !state.keys.contains_key(of.key) {
            let name = of.payer.charges.get(&of.errand.charge).map(|known| known.object.to_string());
            return name.map_or(Heard::just(Word::Voided), |name| state.look(&name, true));
        }
        let heard = match state.keys.get(of.key) {
            Some((asked, heard)) if !looks => {
                assert_eq!(*asked, wish, "another wish under the key {}", of.key);
                heard.clone()
            }
            _ => {
                let heard = state.effect(of);
                if !looks {
                    state.keys.insert(of.key.to_owned(), (wish, heard.clone()));
                }
                heard
            }
        };
        if fault == Some(Fault::AnswerLost) { lost } else { heard }
    }
}

impl State {
    fn roll(&mut self, most: u64) -> Option<u64> {
        self.dice.as_mut().map(|dice| dice.below(most))
    }

    fn effect(&mut self, of: &Commission<'_>) -> Heard {
        let Errand { order, charge, amount, .. } = of.errand;
        let name = of.payer.charges.get(charge).map(|known| known.object.to_string());
        match &of.errand.what {
            What::Save => self.ask(of, Manner { away: false, saves: true }, true, false),
            What::Charge(manner) => self.ask(of, *manner, false, false),
            What::Authorise(manner) => self.ask(of, *manner, false, true),
            What::Retry => match name {
                Some(name) => {
                    if matches!(self.intents[&name].stand, Stand::Waits | Stand::Failed(_)) {
                        self.charge(&name, of.now);
                    }
                    self.look(&name, true)
                }
                None => self.ask(of, Manner { away: true, saves: false }, false, false),
            },
            What::Capture => {
                assert!(!self.cancelled.contains(order), "{order} was cancelled and is captured");
                let intent = self.intents.get_mut(&name.unwrap()).unwrap();
                match intent.stand {
                    Stand::Held { until } if of.now < until => {
                        assert!(amount.amount <= intent.amount, "more is captured than was set aside");
                        intent.stand = Stand::Paid { amount: amount.amount };
                        Heard::just(Word::Captured { amount: amount.amount })
                    }
                    Stand::Paid { amount } => Heard::just(Word::Captured { amount }),
                    _ => Heard::just(Word::Voided),
                }
            }
            What::Void => match name {
                None => Heard::just(Word::Voided),
                Some(name) => {
                    let intent = self.intents.get_mut(&name).unwrap();
                    if !matches!(intent.stand, Stand::Paid { .. } | Stand::Saved) {
                        intent.stand = Stand::Gone;
                    }
                    self.look(&name, false)
                }
            },
            What::Refund => {
                let name = name.unwrap();
                let thrown = match self.roll(8) {
                    Some(0) => Word::Pending,
                    Some(1) => Word::RefundFailed,
                    _ => Word::Refunded,
                };
                let mut word = self.refund_words.pop().unwrap_or(thrown);
                let intent = self.intents.get_mut(&name).unwrap();
                let Stand::Paid { amount: paid } = intent.stand else { panic!("{name} was never paid") };
                if intent.disputed.is_some_and(|(_, won)| won != Some(true)) {
                    word = Word::RefundFailed;
                }
                if word != Word::RefundFailed {
                    intent.refunded += amount.amount;
                }
                assert!(intent.refunded <= paid, "{name}: more goes back than came");
                let refund = format!("re_{}", self.refunds.len() + 1);
                let back = Back { intent: name, amount: amount.amount, word: word.clone() };
                self.refunds.insert(refund.clone(), back);
                Heard { word, facts: Facts { refund: Some(refund.into()), ..Facts::default() } }
            }
            What::Look => match (of.errand.refund, name) {
                (Some(number), _) => {
                    let known = of.payer.refunds.get(&number);
                    Heard::just(known.map_or(Word::Pending, |refund| self.refunds[&**refund].word.clone()))
                }
                (None, Some(name)) => self.look(&name, false),
                (None, None) => Heard::just(Word::Pending),
            },
            What::Dispute(dispute) => {
                let charge = dispute.strip_prefix("dp_").unwrap();
                let (amount, won) = self.intents[charge].disputed.unwrap();
                Heard::just(match won {
                    None => Word::Disputed { amount },
                    Some(won) => Word::DisputeClosed { amount, won },
                })
            }
        }
    }

    fn ask(&mut self, of: &Commission<'_>, manner: Manner, setup: bool, holds: bool) -> Heard {
        let name = format!("{}_{:04}", if setup { "seti" } else { "pi" }, self.intents.len() + 1);
        let intent = Intent {
            order: of.errand.order,
            amount: of.errand.amount.amount,
            holds,
            saves: manner.saves,
            setup,
            method: None,
            stand: Stand::Waits,
            refunded: 0,
            disputed: None,
        };
        self.intents.insert(name.clone(), intent);
        if let Some(method) = of.payer.method.as_ref().filter(|_| manner.away) {
            self.intents.get_mut(&name).unwrap().method = Some(Arc::clone(method));
            self.charge(&name, of.now);
        }
        self.look(&name, true)
    }

    /// Charges the saved method, as it is in the mood for.
    fn charge(&mut self, name: &str, now: Timestamp) {
        let thrown = match self.roll(8) {
            Some(0 | 1) => Mood::Declines,
            Some(2) => Mood::DeclinesForGood,
            Some(3) => Mood::AsksForCustomer,
            _ => Mood::Pays,
        };
        let mood = self.moods.pop().unwrap_or(thrown);
        let intent = self.intents.get_mut(name).unwrap();
        assert!(!self.cancelled.contains(&intent.order), "{} was cancelled and is charged", intent.order);
        intent.stand = match mood {
            Mood::Pays => paid(intent, now),
            Mood::Declines => Stand::Failed(Word::Declined { may_retry: true }),
            Mood::DeclinesForGood => Stand::Failed(Word::Declined { may_retry: false }),
            Mood::AsksForCustomer => Stand::Failed(Word::NeedsCustomer),
        };
    }

    fn look(&self, name: &str, asked: bool) -> Heard {
        let intent = &self.intents[name];
        let word = match &intent.stand {
            Stand::Waits => {
                if asked {
                    Word::NeedsCustomer
                } else {
                    Word::Pending
                }
            }
            Stand::Failed(word) => word.clone(),
            Stand::Held { until } => Word::Authorised { amount: intent.amount, capture_before: Some(*until) },
            Stand::Paid { amount } => Word::Captured { amount: *amount },
            Stand::Saved => Word::Saved,
            Stand::Gone => Word::Voided,
        };
        let is_saved =
            intent.saves && matches!(intent.stand, Stand::Paid { .. } | Stand::Saved | Stand::Held { .. });
        let facts = Facts {
            customer: Some(format!("cus_{}", intent.order).into()),
            method: is_saved.then(|| format!("pm_of_{name}").into()),
            charge: Some(Known { object: name.into(), secret: Some(format!("{name}_secret").into()) }),
            refund: None,
        };
        Heard { word, facts }
    }
}
