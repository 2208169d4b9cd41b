//! Which method answers: each tried where what came next is known.

use std::num::NonZeroUsize;

use super::{
    Answered, LEVEL,
    methods::{Method, Said, ask},
    pooled::{EXAMPLES_MIN, Pooled, features},
    series::Scale,
};
use crate::{boost::Loss, metrics::pinball, random::draw};

/// Months from which a series is tried, at most.
const TRIES_MAX: usize = 8;
/// A try needs this many months before it, and as many as the horizon.
const MONTHS_BEFORE_MIN: usize = 8;
/// How many tries of its own the mean over all series is worth to a series: its few tries alone would choose by accident.
const WORTH: f64 = 20.0;

/// What was said at one month of a series, and what came after.
pub(super) struct Try {
    /// Months known then.
    months: usize,
    features: Vec<f64>,
    scale: Scale,
    said: Said,
    came: Vec<f64>,
}

impl Try {
    fn total(&self) -> f64 {
        self.came.iter().sum()
    }

    /// Pinball loss of a total, in units of scale and months.
    fn quantile_loss(&self, quantile: f64) -> f64 {
        pinball(self.total(), quantile, LEVEL) / self.unit()
    }

    /// Root mean squared error, in units of scale.
    fn mean_loss(&self, mean: f64) -> f64 {
        let squares: f64 = self.came.iter().map(|units| (units - mean).powi(2)).sum();
        (squares / self.came.len() as f64 / self.scale.squared).sqrt()
    }

    fn unit(&self) -> f64 {
        self.scale.absolute * self.came.len() as f64
    }
}

/// A series, what is said of its future, and its tries.
pub(super) struct Past {
    months: usize,
    features: Vec<f64>,
    scale: Scale,
    said: Said,
    pub(super) tries: Vec<Try>,
}

impl Past {
    /// Asks every method now and at earlier months, the latest first.
    pub(super) fn of(place: usize, history: &[f64], scale: Scale, horizon: usize) -> Self {
        let look = |months: usize, scale: Scale| {
            let said = ask(&history[..months], horizon, LEVEL, draw(2004, place as u64, months as u64));
            (features(&history[..months], horizon, &said, scale), said)
        };
        let last = history.len().saturating_sub(horizon);
        let tries = (0..TRIES_MAX)
            .map_while(|back| last.checked_sub(back * (horizon / 4).max(1)))
            .take_while(|&months| months >= MONTHS_BEFORE_MIN.max(horizon))
            .filter_map(|months| {
                let scale = Scale::of(&history[..months]).ok()?;
                let (features, said) = look(months, scale);
                Some(Try { months, features, scale, said, came: history[months..months + horizon].to_vec() })
            })
            .collect();
        let (features, said) = look(history.len(), scale);
        Self { months: history.len(), features, scale, said, tries }
    }
}

/// What is said of every series.
pub(super) struct Forecast {
    pub(super) quantiles: Vec<f64>,
    pub(super) means: Vec<f64>,
    pub(super) methods: Vec<Method>,
    pub(super) quantile_by: Answered,
    pub(super) mean_by: Answered,
}

/// Chooses who answers and answers.
pub(super) fn forecast(pasts: &[Past], horizon: usize, workers: NonZeroUsize) -> Forecast {
    let now: Vec<&Past> = pasts.iter().collect();
    let quantile = Aim::Quantile.answer(&now, horizon, workers);
    let mean = Aim::Mean.answer(&now, horizon, workers);
    Forecast {
        methods: quantile.own.iter().map(|&method| Method::ALL[method]).collect(),
        quantiles: quantile.answers,
        means: mean.answers,
        quantile_by: quantile.by,
        mean_by: mean.by,
    }
}

/// The number that is looked for.
#[derive(Clone, Copy)]
enum Aim {
    Quantile,
    Mean,
}

struct Answers {
    answers: Vec<f64>,
    by: Answered,
    /// The method chosen for each series.
    own: Vec<usize>,
}

impl Aim {
    fn loss(self, tried: &Try, answer: f64) -> f64 {
        match self {
            Self::Quantile => tried.quantile_loss(answer),
            Self::Mean => tried.mean_loss(answer),
        }
    }

    fn said(self, said: &Said) -> &[f64; Method::COUNT] {
        match self {
            Self::Quantile => &said.quantiles,
            Self::Mean => &said.means,
        }
    }

    /// What one unit of a tree's answer is worth.
    fn unit(self, scale: Scale, horizon: usize) -> f64 {
        match self {
            Self::Quantile => scale.absolute * horizon as f64,
            Self::Mean => scale.absolute,
        }
    }

    fn answer(self, pasts: &[&Past], horizon: usize, workers: NonZeroUsize) -> Answers {
        let own = self.choose(pasts, 0);
        let by = self.who(pasts, horizon, workers);
        let of_own = pasts.iter().zip(&own).map(|(past, &method)| self.said(&past.said)[method]);
        if by == Answered::Own {
            return Answers { answers: of_own.collect(), by, own };
        }
        let known: Vec<&Try> = pasts.iter().flat_map(|past| &past.tries).collect();
        let asked: Vec<Vec<f64>> = pasts.iter().map(|past| past.features.clone()).collect();
        let pooled = self.pooled(&known, &asked, workers);
        let answers = of_own.zip(pooled).zip(pasts).map(|((own, pooled), past)| {
            let pooled = pooled * self.unit(past.scale, horizon);
            if by == Answered::Both { f64::midpoint(own, pooled) } else { pooled }
        });
        Answers { answers: answers.collect(), by, own }
    }

    /// Chooses a method for each series by its tries whose future had come `unknown` months ago.
    fn choose(self, pasts: &[&Past], unknown: usize) -> Vec<usize> {
        let mut all = ([0.0; Method::COUNT], 0.0);
        let sums: Vec<([f64; Method::COUNT], f64)> = pasts
            .iter()
            .map(|past| {
                let mut sum = ([0.0; Method::COUNT], 0.0);
                for tried in
                    past.tries.iter().filter(|tried| tried.months + tried.came.len() + unknown <= past.months)
                {
                    for (method, &answer) in self.said(&tried.said).iter().enumerate() {
                        sum.0[method] += self.loss(tried, answer);
                    }
                    sum.1 += 1.0;
                }
                all.0.iter_mut().zip(sum.0).for_each(|(all, one)| *all += one);
                all.1 += sum.1;
                sum
            })
            .collect();
        sums.into_iter()
            .map(|(losses, tries)| {
                // Without any try in the file, every method is as good: the first.
                let mean = |method: usize| {
                    (losses[method] + WORTH * all.0[method] / f64::max(all.1, 1.0)) / (tries + WORTH)
                };
                (0..Method::COUNT).min_by(|&a, &b| mean(a).total_cmp(&mean(b))).unwrap_or(0)
            })
            .collect()
    }

    /// Tries who would have answered best a horizon ago, from what was known then.
    fn who(self, pasts: &[&Past], horizon: usize, workers: NonZeroUsize) -> Answered {
        let known: Vec<&Try> = pasts
            .iter()
            .flat_map(|past| past.tries.iter().filter(|tried| tried.months + 2 * horizon <= past.months))
            .collect();
        let own = self.choose(pasts, horizon);
        let (judges, own): (Vec<&Try>, Vec<usize>) = pasts
            .iter()
            .zip(own)
            .filter_map(|(past, own)| {
                Some((past.tries.first().filter(|tried| tried.months + horizon == past.months)?, own))
            })
            .unzip();
        if known.len() < EXAMPLES_MIN || judges.is_empty() {
            return Answered::Own;
        }
        let asked: Vec<Vec<f64>> = judges.iter().map(|tried| tried.features.clone()).collect();
        let pooled = self.pooled(&known, &asked, workers);
        let mut losses = [(0.0, Answered::Own), (0.0, Answered::Pooled), (0.0, Answered::Both)];
        for ((tried, own), pooled) in judges.iter().zip(own).zip(pooled) {
            let own = self.said(&tried.said)[own];
            let pooled = pooled * self.unit(tried.scale, horizon);
            for ((sum, _), answer) in losses.iter_mut().zip([own, pooled, f64::midpoint(own, pooled)]) {
                *sum += self.loss(tried, answer);
            }
        }
        losses.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or(Answered::Own, |(_, by)| by)
    }

    /// Learns from tries and answers for other pasts, in units.
    fn pooled(self, known: &[&Try], asked: &[Vec<f64>], workers: NonZeroUsize) -> Vec<f64> {
        let seen: Vec<Vec<f64>> = known.iter().map(|tried| tried.features.clone()).collect();
        let came: Vec<f64> = known.iter().map(|tried| tried.total() / tried.unit()).collect();
        let loss = match self {
            Self::Quantile => Loss::Quantile(LEVEL),
            Self::Mean => Loss::Squared,
        };
        Pooled::fit(&seen, &came, loss, workers).ask(asked, workers)
    }
}

/// What a series' own method says of the periods ahead, and how its own past bears that out.
pub(super) struct Own {
    pub(super) mean: f64,
    pub(super) quantile: f64,
    pub(super) method: Method,
    /// Pasts it was tried on, and those of them whose total it covered.
    pub(super) tries: usize,
    pub(super) covered: usize,
}

/// Chooses a method for each series by its own tries, drawn to those of all, and answers.
pub(super) fn own(pasts: &[Past]) -> Vec<Own> {
    let now: Vec<&Past> = pasts.iter().collect();
    let (means, quantiles) = (Aim::Mean.choose(&now, 0), Aim::Quantile.choose(&now, 0));
    let of = |((past, mean), quantile): ((&Past, usize), usize)| Own {
        mean: past.said.means[mean],
        quantile: past.said.quantiles[quantile],
        method: Method::ALL[quantile],
        tries: past.tries.len(),
        covered: past.tries.iter().filter(|tried| tried.total() <= tried.said.quantiles[quantile]).count(),
    };
    pasts.iter().zip(means).zip(quantiles).map(of).collect()
}
