//! Charts drawn by the server: bars that are told apart by pattern as well as by colour, with a title and a description.
//!
//! No script, no style of their own: classes of the console's style sheet. A table beside them says the same in numbers.

use maud::{Markup, html};

/// Width and height of the drawing, and room for the words at its left and below.
const WIDTH: u64 = 900;
const HEIGHT: u64 = 260;
const LEFT: u64 = 60;
const BELOW: u64 = 30;
const ABOVE: u64 = 10;
/// The most names below, so that they do not meet.
const NAMES: usize = 16;

/// Bars side by side for each of several names.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    /// Names the drawing within its page: letters and digits.
    pub id: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    /// The name of each bar: one or two.
    pub series: &'a [&'a str],
    /// A name below, and the height of each bar; none is not drawn.
    pub groups: &'a [(String, Vec<Option<u64>>)],
    /// The height of the drawing; that of the highest bar when left out.
    pub most: Option<u64>,
}

impl Chart<'_> {
    /// The drawing.
    #[must_use]
    pub fn draw(&self) -> Markup {
        let highest = self.groups.iter().flat_map(|(_, bars)| bars).flatten().copied().max().unwrap_or(0);
        let most = self.most.unwrap_or_else(|| round_up(highest.max(1))).max(1);
        let (wide, high) = (WIDTH - LEFT, HEIGHT - BELOW - ABOVE);
        let count = u64::try_from(self.groups.len()).unwrap_or(0).max(1);
        let step = (self.groups.len() / NAMES).saturating_add(1);
        let bars = u64::try_from(self.series.len()).unwrap_or(1).max(1);
        // In tenths, so that many narrow bars still differ.
        let group = wide * 10 / count;
        let bar = (group * 8 / 10 / bars).max(1);
        let name = |part: &str| format!("{}-{part}", self.id);
        html! {
            svg.chart role="img" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) aria-labelledby=(format!("{} {}", name("title"), name("desc"))) {
                title id=(name("title")) { (self.title) }
                desc id=(name("desc")) { (self.description) }
                defs {
                    pattern id=(name("hatch")) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        rect.bar-b width="6" height="6" {}
                        line.hatch x1="0" y1="0" x2="0" y2="6" {}
                    }
                }
                @for part in 0..=4_u64 {
                    @let y = ABOVE + high - high * part / 4;
                    line.grid x1=(LEFT) y1=(y) x2=(WIDTH) y2=(y) {}
                    text.scale x=(LEFT - 6) y=(y + 4) text-anchor="end" { (most * part / 4) }
                }
                @for (at, (word, heights)) in (0_u64..).zip(self.groups) {
                    @let from = LEFT * 10 + group * at + group / 10;
                    @for (nr, height) in (0_u64..).zip(heights) {
                        @if let Some(height) = height {
                            @let tall = high * (*height).min(most) / most;
                            rect x=(tenths(from + bar * nr)) y=(ABOVE + high - tall) width=(tenths(bar)) height=(tall)
                                class=[(nr == 0).then_some("bar-a")] fill=[(nr > 0).then(|| format!("url(#{})", name("hatch")))] {}
                        }
                    }
                    @if usize::try_from(at).unwrap_or(0).is_multiple_of(step) {
                        text.scale x=(tenths(from)) y=(HEIGHT - 10) { (word) }
                    }
                }
            }
            @if self.series.len() > 1 {
                p.note.legend {
                    @for (nr, series) in self.series.iter().enumerate() {
                        span class=(if nr == 0 { "key key-a" } else { "key key-b" }) aria-hidden="true" {} " " (series) " "
                    }
                }
            }
        }
    }
}

fn tenths(number: u64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// To a number that four steps lead to, with few digits.
fn round_up(number: u64) -> u64 {
    let mut unit = 4_u64;
    while unit.saturating_mul(10) <= number {
        unit = unit.saturating_mul(10);
    }
    number.div_ceil(unit).saturating_mul(unit)
}
