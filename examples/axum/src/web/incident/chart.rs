//! Pictures of an outage: windows on a line, and first hits as bars. Behind each stands a table.

use std::fmt::Write;

use askama::filters::Safe;
use incident_core::{Timestamp, Windows};

use crate::http::escape::{Escaped, Html};
use crate::web::texts::number_of;

/// Width of a picture, in units of its own; about as wide as a column of the page.
const WIDTH: u64 = 400;
/// Height of the highest bar.
const BAR_HEIGHT: u64 = 72;
/// Height of a line of windows.
const STRIP_HEIGHT: u64 = 20;
/// Maximum number of bars.
pub(super) const MAX_BARS: usize = 60;

/// A picture with its title and the labels at both ends of its axis.
#[derive(Clone, Debug)]
pub(super) struct ChartLabels<'a> {
    /// The id of the title element.
    pub(super) id: &'a str,
    /// The title, which says what is seen.
    pub(super) title: &'a str,
    /// The label at the left end.
    pub(super) from: &'a str,
    /// The label at the right end.
    pub(super) to: &'a str,
}

impl ChartLabels<'_> {
    /// Opens a picture that is as wide as its place.
    fn open(&self, width: u64, height: u64) -> String {
        format!(
            "<svg class=\"plot\" viewBox=\"0 0 {width} {height}\" height=\"{height}\" preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"{id}\"><title id=\"{id}\">{title}</title>",
            id = Escaped(self.id),
            title = Escaped(self.title),
        )
    }

    /// Closes it with its axis, and writes the labels below it: text in it would be stretched.
    fn close(&self, svg: &mut String, width: u64, baseline: u64) {
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M0 {baseline}.5H{width}\"/></svg><div class=\"ends small muted\"><span>{}</span><span>{}</span></div>",
            Escaped(self.from),
            Escaped(self.to),
        );
    }
}

/// Draws numbers as bars, at most [`MAX_BARS`], each as high as its part of the highest one.
#[must_use]
pub(super) fn bars(labels: &ChartLabels<'_>, numbers: &[u64], highest_label: &str) -> Html {
    let count = number_of(numbers.len()).max(1);
    let slot = (WIDTH / count).max(1);
    let (width, gap) = (slot * count, u64::from(slot > 3));
    let highest = numbers.iter().copied().max().unwrap_or(0).max(1);
    let label = Escaped(highest_label);
    let mut svg = format!("<div class=\"small muted\">{label}</div>");
    svg += &labels.open(width, BAR_HEIGHT + 1);
    for (x, number) in (0..)
        .step_by(usize::try_from(slot).unwrap_or(1))
        .zip(numbers)
    {
        let scaled = u128::from(*number) * u128::from(BAR_HEIGHT) / u128::from(highest);
        // A bar that stands for something can be seen.
        let height = u64::try_from(scaled).unwrap_or(BAR_HEIGHT);
        let height = height.max(u64::from(*number > 0));
        if height > 0 {
            let (y, width) = (BAR_HEIGHT - height, slot - gap);
            let _ = write!(
                svg,
                "<rect class=\"bar-mark\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
            );
        }
    }
    labels.close(&mut svg, width, BAR_HEIGHT);
    Safe(svg)
}

/// Draws windows on a line from one instant to another.
#[must_use]
pub(super) fn strip(
    labels: &ChartLabels<'_>,
    windows: &Windows,
    (start, end): (Timestamp, Timestamp),
) -> Html {
    let mut svg = labels.open(WIDTH, STRIP_HEIGHT + 1);
    let span = end.since(start).as_micros().max(1);
    let place = |at: Timestamp| {
        let x = at.since(start).as_micros().saturating_mul(WIDTH.into()) / span;
        u64::try_from(x).unwrap_or(WIDTH).min(WIDTH)
    };
    let _ = write!(
        svg,
        "<rect class=\"rest\" width=\"{WIDTH}\" height=\"{STRIP_HEIGHT}\"/>"
    );
    for window in windows.as_slice() {
        let from = place(window.start()).min(WIDTH - 2);
        let width = place(window.end()).saturating_sub(from).max(2);
        let _ = write!(
            svg,
            "<rect class=\"out\" x=\"{from}\" width=\"{width}\" height=\"{STRIP_HEIGHT}\"/>"
        );
    }
    labels.close(&mut svg, WIDTH, STRIP_HEIGHT);
    Safe(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use incident_core::Window;

    const LABELS: ChartLabels<'static> = ChartLabels {
        id: "t",
        title: "<b> & \"c\"",
        from: "1",
        to: "2",
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_highest_number_fills_the_picture_and_one_of_many_is_seen() {
        let svg = bars(&LABELS, &[0, 1, 1_000_000], "1").0;
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("y=\"71\" width=\"132\" height=\"1\""), "{svg}");
        assert!(svg.contains("y=\"0\" width=\"132\" height=\"72\""), "{svg}");
        assert!(svg.contains("<title id=\"t\">&lt;b&gt; &amp; &quot;c&quot;</title>"));
        // Nothing at all is an empty picture, not a division by zero.
        assert!(!bars(&LABELS, &[], "0").0.contains("<rect"));
        let most = bars(&LABELS, &[u64::MAX; MAX_BARS], "1").0;
        assert_eq!(most.matches("width=\"5\" height=\"72\"").count(), MAX_BARS);
    }

    #[test]
    fn windows_lie_in_their_place_and_short_ones_are_seen() {
        let (start, end) = (at("2026-11-20T00:00:00Z"), at("2026-11-20T04:00:00Z"));
        let window = |from: &str, to: &str| Window::new(at(from), at(to)).unwrap();
        let windows: Windows = [
            window("2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z"),
            window("2026-11-20T03:59:59Z", "2026-11-20T04:00:00Z"),
        ]
        .into_iter()
        .collect();
        let svg = strip(&LABELS, &windows, (start, end)).0;
        assert!(
            svg.contains("class=\"out\" x=\"100\" width=\"100\""),
            "{svg}"
        );
        assert!(svg.contains("class=\"out\" x=\"398\" width=\"2\""), "{svg}");
        // An outage without length, and a clock that stands still.
        let svg = strip(&LABELS, &Windows::empty(), (start, start)).0;
        assert!(!svg.contains("class=\"out\""));
    }
}
