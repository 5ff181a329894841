//! What people see: results on standard output (text or JSON), progress on standard error (bars on a terminal, plain lines
//! elsewhere).

use halocast_prover::pipeline::{Event, Progress, StageCost};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

/// Where results go.
pub(crate) struct Output {
    /// Machine-readable results.
    pub(crate) json: bool,
}

impl Output {
    /// Prints one result: an object with `--json`, else the text.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> eyre::Result<()> {
        let mut stdout = std::io::stdout().lock();
        let text = match self.json {
            true => serde_json::to_string_pretty(value)?,
            false => text(),
        };
        // A closed pipe (`halocast … | head`) is the reader's choice, not an error.
        match writeln!(stdout, "{text}") {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// Prints a failure with its causes.
    pub(crate) fn error(&self, error: &eyre::Report) {
        let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        causes.dedup();
        if self.json {
            let value = serde_json::json!({"error": causes[0], "causes": causes[1..]});
            println!("{value:#}");
        }
        eprintln!("error: {}", causes.join("\n  caused by: "));
    }
}

/// Shows the events of the pipeline.
pub(crate) struct Bars {
    terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Bars {
            terminal: std::io::stderr().is_terminal(),
            bar: Mutex::new(None),
        }
    }

    fn with_bar(&self, f: impl FnOnce(&mut Option<ProgressBar>)) {
        // A panic while a bar is drawn must not hide the panic itself.
        f(&mut self
            .bar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn line(&self, text: &str) {
        self.with_bar(|bar| match bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        });
    }
}

/// `1.2 s wall, 2.3 s CPU, 0.50 GiB peak`.
pub(crate) fn cost_text(cost: &StageCost) -> String {
    format!(
        "{:.1} s wall, {:.1} s CPU, {} peak",
        cost.wall_s,
        cost.cpu_s,
        size_text(cost.peak_rss_bytes)
    )
}

/// A number of bytes for people.
pub(crate) fn size_text(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let b = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", b / KIB),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", b / KIB / KIB),
        _ => format!("{:.2} GiB", b / KIB / KIB / KIB),
    }
}

fn new_bar(stage: &str, steps: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    let template = match steps {
        0 | 1 => "{spinner} {prefix} {elapsed_precise} {wide_msg}",
        _ => "{spinner} {prefix} [{bar:24}] {pos}/{len} {elapsed_precise} {wide_msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(stage.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Progress for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { stage, steps } if self.terminal => self.with_bar(|slot| {
                if let Some(old) = slot.replace(new_bar(stage, steps)) {
                    old.finish_and_clear();
                }
            }),
            Event::Started { stage, .. } => self.line(&format!("{stage} …")),
            Event::Step { index, what, .. } if self.terminal => self.with_bar(|slot| {
                if let Some(bar) = slot {
                    bar.set_position(index as u64);
                    bar.set_message(what.to_owned());
                }
            }),
            Event::Step { index, what, .. } => self.line(&format!("  {}: {what}", index + 1)),
            Event::Finished { cost } => self.line(&format!("{}: {}", cost.stage, cost_text(cost))),
            Event::Note(text) => self.line(&format!("note: {text}")),
            _ => {}
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.with_bar(|slot| {
            if let Some(bar) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }
}
