/// The middle of many measurements, and where half of them lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) quarter: f64,
    pub(crate) three_quarters: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarters: usize| {
            let last = values.len().saturating_sub(1);
            let index = last * quarters / 4;
            values.get(index).copied().unwrap_or(f64::NAN)
        };
        Self {
            median: at(2),
            quarter: at(1),
            three_quarters: at(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_in_the_middle() {
        let spread = Spread::of(vec![5.0, 1.0, 2.0, 4.0, 3.0]);
        assert_eq!(
            (spread.quarter, spread.median, spread.three_quarters),
            (2.0, 3.0, 4.0)
        );
        assert!(Spread::of(Vec::new()).median.is_nan());
    }
}
