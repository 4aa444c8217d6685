//! What may be reported, when a minute was bad, and what is advised then. Pure.

use consilium_kernel::{FieldError, Refusal, Timestamp};
use jiff::SignedDuration;

use super::model::{MeasuredMedia, Measurement, QualityAdvice, QualityMinute, Standing};
use crate::refusal::ConsultationRefusal::TooManyReports;

/// Measurements in one report at most.
const MOST_MEASUREMENTS: usize = 120;
/// Reports of one participant in a minute at most.
const MOST_REPORTS: i32 = 20;
/// A measurement may be as old as this.
const OLDEST: SignedDuration = SignedDuration::from_mins(10);
/// Clients' clocks may be ahead by this.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);
/// Bad minutes in a row after which a step down is advised.
const BAD_MINUTES: i32 = 2;
/// Good minutes in a row after which a step up is advised: slower than down, so that advice does not swing.
const GOOD_MINUTES: i32 = 5;

/// What was a minute like?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    /// Talking is hard.
    Bad,
    /// Talking is not possible: counts as two bad minutes.
    Broken,
}

/// The minute that an instant lies in.
pub(crate) fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// Everything that is wrong with a report.
pub(crate) fn check(measurements: &[Measurement], now: Timestamp) -> Result<(), Refusal> {
    if measurements.is_empty() || measurements.len() > MOST_MEASUREMENTS {
        let detail = format!("must have 1 to {MOST_MEASUREMENTS} entries");
        return Err(Refusal::field("/measurements", "out_of_range", detail));
    }
    let mut errors = Vec::new();
    for (place, one) in measurements.iter().enumerate() {
        let mut wrong = |field: &str, detail: &str| {
            let pointer = format!("/measurements/{place}/{field}");
            errors.push(FieldError { pointer, code: "out_of_range".into(), detail: detail.to_owned() });
        };
        if one.at < now - OLDEST || one.at > now + AHEAD {
            wrong("at", "must lie within the last ten minutes");
        }
        if !(0.0..=100.0).contains(&one.packet_loss_percent) {
            wrong("packet_loss_percent", "is 0 to 100");
        }
        let bounds = [
            ("bitrate_kbps", one.bitrate_kbps, 1_000_000),
            ("jitter_ms", one.jitter_ms, 60_000),
            ("round_trip_ms", one.round_trip_ms, 60_000),
            ("frames_per_second", one.frames_per_second.unwrap_or(0), 240),
        ];
        for (field, value, most) in bounds {
            if value > most {
                wrong(field, &format!("is at most {most}"));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(errors)) }
}

/// Counts one more report of the minute `now`.
pub(crate) fn count(standing: &mut Standing, now: Timestamp) -> Result<(), Refusal> {
    let minute = minute_of(now);
    if minute > standing.open_minute {
        (standing.open_minute, standing.batches) = (minute, 0);
    }
    if standing.batches >= MOST_REPORTS {
        let seconds = 60 - now.as_second().rem_euclid(60);
        let retry_after = u32::try_from(seconds).ok();
        return Err(Refusal { retry_after, ..TooManyReports.refusal() });
    }
    standing.batches += 1;
    Ok(())
}

/// What all lines of one minute were like together. The limits of delay and loss are those at which a conversation
/// becomes hard (ITU-T G.114: 400 ms one way; G.113: loss that concealment does not hide).
pub(crate) fn verdict(lines: &[QualityMinute]) -> Verdict {
    let broken = lines.iter().any(|line| line.packet_loss_percent >= 30.0 || line.round_trip_ms >= 2_000);
    let bad = lines.iter().any(|line| {
        let slow = line.round_trip_ms >= 800 || line.jitter_ms >= 100;
        let poor_picture = line.media == MeasuredMedia::Video
            && (line.bitrate_kbps < 100 || line.frames_per_second.is_some_and(|frames| frames < 8));
        slow || line.packet_loss_percent >= 8.0 || poor_picture
    });
    match (broken, bad) {
        (true, _) => Verdict::Broken,
        (false, true) => Verdict::Bad,
        (false, false) => Verdict::Good,
    }
}

/// Takes one more minute into account. True when the advice is another one afterwards.
pub(crate) fn step(standing: &mut Standing, verdict: Verdict) -> bool {
    match verdict {
        Verdict::Good => (standing.good_run, standing.bad_run) = (standing.good_run + 1, 0),
        Verdict::Bad => (standing.good_run, standing.bad_run) = (0, standing.bad_run + 1),
        Verdict::Broken => (standing.good_run, standing.bad_run) = (0, standing.bad_run + 2),
    }
    let before = standing.advice;
    if standing.bad_run >= BAD_MINUTES {
        standing.bad_run = 0;
        standing.advice = match before {
            QualityAdvice::Video => QualityAdvice::Audio,
            QualityAdvice::Audio | QualityAdvice::Chat => QualityAdvice::Chat,
        };
    } else if standing.good_run >= GOOD_MINUTES {
        standing.good_run = 0;
        standing.advice = match before {
            QualityAdvice::Chat => QualityAdvice::Audio,
            QualityAdvice::Audio | QualityAdvice::Video => QualityAdvice::Video,
        };
    }
    if standing.advice == QualityAdvice::Video {
        standing.offered = false;
    }
    standing.advice != before
}

/// Whether it went so badly that another way is offered: once, until it is well again.
pub(crate) fn calls_for_backup(standing: &Standing) -> bool {
    standing.advice == QualityAdvice::Chat && !standing.offered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quality::model::Direction;

    fn t(text: &str) -> Timestamp {
        format!("2026-06-01T{text}Z").parse().unwrap()
    }

    fn standing() -> Standing {
        let (advice, open_minute) = (QualityAdvice::Video, t("09:00:00"));
        Standing { advice, open_minute, bad_run: 0, good_run: 0, offered: false, batches: 0 }
    }

    fn line(media: MeasuredMedia) -> QualityMinute {
        QualityMinute {
            minute: t("09:00:00"),
            direction: Direction::Inbound,
            media,
            samples: 6,
            bitrate_kbps: 900,
            packet_loss_percent: 0.5,
            jitter_ms: 10,
            round_trip_ms: 80,
            frames_per_second: (media == MeasuredMedia::Video).then_some(25),
        }
    }

    #[test]
    fn minutes_are_judged_by_their_worst_line() {
        let (audio, video) = (line(MeasuredMedia::Audio), line(MeasuredMedia::Video));
        assert_eq!(verdict(&[audio, video]), Verdict::Good);
        assert_eq!(verdict(&[]), Verdict::Good);
        for bad in [
            QualityMinute { packet_loss_percent: 8.0, ..audio },
            QualityMinute { round_trip_ms: 800, ..audio },
            QualityMinute { jitter_ms: 100, ..audio },
            QualityMinute { bitrate_kbps: 99, ..video },
            QualityMinute { frames_per_second: Some(7), ..video },
        ] {
            assert_eq!(verdict(&[line(MeasuredMedia::Screen), bad]), Verdict::Bad, "{bad:?}");
        }
        assert_eq!(verdict(&[QualityMinute { bitrate_kbps: 30, ..audio }]), Verdict::Good, "voices need little");
        assert_eq!(verdict(&[QualityMinute { packet_loss_percent: 30.0, ..video }]), Verdict::Broken);
        assert_eq!(verdict(&[QualityMinute { round_trip_ms: 2_000, ..audio }]), Verdict::Broken);
    }

    /// `g`ood, `b`ad and `x` broken minutes, and the advice after each that changed it.
    fn after(minutes: &str) -> String {
        let mut standing = standing();
        let mut told = String::new();
        for minute in minutes.chars() {
            let verdict = match minute {
                'g' => Verdict::Good,
                'b' => Verdict::Bad,
                _ => Verdict::Broken,
            };
            if step(&mut standing, verdict) {
                told.push_str(&format!("{} ", standing.advice));
            }
        }
        told.trim_end().to_owned()
    }

    #[test]
    fn bad_minutes_step_down_and_many_good_ones_up_again() {
        for (minutes, expected) in [
            ("", ""),
            ("gggggggg", ""),
            ("bgbgbgbg", ""),
            ("bb", "audio"),
            ("x", "audio"),
            ("bbb", "audio"),
            ("bbbb", "audio chat"),
            ("xx", "audio chat"),
            ("xxxxxx", "audio chat"),
            ("bbggggb", "audio"),
            ("bbggggg", "audio video"),
            ("xxggggg", "audio chat audio"),
            ("xxgggggggggg", "audio chat audio video"),
        ] {
            assert_eq!(after(minutes), expected, "{minutes}");
        }
    }

    #[test]
    fn another_way_is_offered_once_until_it_is_well_again() {
        let mut now = standing();
        step(&mut now, Verdict::Broken);
        assert!(!calls_for_backup(&now));
        step(&mut now, Verdict::Broken);
        assert!(calls_for_backup(&now));
        now.offered = true;
        step(&mut now, Verdict::Broken);
        assert!(!calls_for_backup(&now));
        (0..10).for_each(|_| _ = step(&mut now, Verdict::Good));
        (0..2).for_each(|_| _ = step(&mut now, Verdict::Broken));
        assert!(calls_for_backup(&now));
    }

    #[test]
    fn so_many_reports_a_minute_and_no_more() {
        let mut now = standing();
        for _ in 0..MOST_REPORTS {
            count(&mut now, t("09:00:59")).unwrap();
        }
        let refusal = count(&mut now, t("09:00:59")).unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("too_many_reports", Some(1)));
        count(&mut now, t("09:01:00")).unwrap();
    }

    fn measurement() -> Measurement {
        Measurement {
            at: t("09:00:00"),
            direction: Direction::Outbound,
            media: MeasuredMedia::Video,
            bitrate_kbps: 1,
            packet_loss_percent: 0.0,
            jitter_ms: 0,
            round_trip_ms: 0,
            frames_per_second: None,
        }
    }

    #[test]
    fn wrong_measurements_are_named() {
        let now = t("09:10:00");
        assert!(check(&[measurement()], now).is_ok());
        assert!(check(&[], now).is_err() && check(&[measurement(); MOST_MEASUREMENTS + 1], now).is_err());
        let wrong = [
            ("at", Measurement { at: t("08:59:59"), ..measurement() }),
            ("at", Measurement { at: t("09:11:01"), ..measurement() }),
            ("packet_loss_percent", Measurement { packet_loss_percent: 100.1, ..measurement() }),
            ("packet_loss_percent", Measurement { packet_loss_percent: f64::NAN, ..measurement() }),
            ("bitrate_kbps", Measurement { bitrate_kbps: 1_000_001, ..measurement() }),
            ("jitter_ms", Measurement { jitter_ms: 60_001, ..measurement() }),
            ("round_trip_ms", Measurement { round_trip_ms: 60_001, ..measurement() }),
            ("frames_per_second", Measurement { frames_per_second: Some(241), ..measurement() }),
        ];
        for (field, wrong) in wrong {
            let refusal = check(&[measurement(), wrong], now).unwrap_err();
            let pointers: Vec<_> = refusal.errors.iter().map(|error| error.pointer.clone()).collect();
            assert_eq!(pointers, [format!("/measurements/1/{field}")]);
        }
    }

    proptest! {
        /// Advice moves one step at a time, and never without enough minutes of one kind before it.
        #[test]
        fn advice_moves_one_step_at_a_time(minutes in prop::collection::vec(0u8..3, 0..200)) {
            let mut now = standing();
            for minute in minutes {
                let before = now.advice;
                let verdict = [Verdict::Good, Verdict::Bad, Verdict::Broken][usize::from(minute)];
                let changed = step(&mut now, verdict);
                prop_assert_eq!(changed, before != now.advice);
                prop_assert!((before as i32 - now.advice as i32).abs() <= 1);
                prop_assert!(now.bad_run < BAD_MINUTES && now.good_run < GOOD_MINUTES);
            }
        }
    }
}
