//! Takes pictures of all pages in all states, on a phone and on a desktop, in both themes, into
//! `target/pictures/STATE/PAGE-WIDTH-THEME.png`. Prints a line for each, and fails if one has findings: a
//! message in the console, a request to another host, or a page that scrolls sideways.
//!
//! Words given as arguments choose the pictures whose name has one of them; `--keep` copies those
//! of the README to `docs/pictures`.

mod camera;
#[path = "../consoles/mod.rs"]
mod consoles;
mod picture;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use camera::Camera;
use consoles::State;
use picture::{KEPT, Picture, pictures};

const STATES: [State; 6] = [
    State::Empty,
    State::Busy,
    State::Failing,
    State::Away,
    State::Tour,
    State::Response,
];

/// The pictures that were requested.
struct Request {
    words: Vec<String>,
    keep: bool,
}

impl Request {
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        let (options, words): (Vec<String>, Vec<String>) =
            arguments.partition(|one| one.starts_with('-'));
        Self {
            words,
            keep: options.iter().any(|one| one == "--keep"),
        }
    }

    fn wants(&self, picture: &Picture) -> bool {
        let name = picture.name();
        let is_kept = self.keep && KEPT.iter().any(|(kept, _)| *kept == name);
        is_kept
            || (self.words.is_empty() && !self.keep)
            || self.words.iter().any(|word| name.contains(word))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::main]
async fn main() -> ExitCode {
    match take_all(&Request::read(env::args().skip(1))).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(findings) => {
            let _ = writeln!(io::stderr(), "scripts/pictures: {findings} with findings");
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "scripts/pictures: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the pictures, and returns the number of those with findings.
async fn take_all(request: &Request) -> io::Result<usize> {
    let (mut taken, mut faulty) = (0, 0);
    for state in STATES {
        let wanted: Vec<Picture> = pictures(state).filter(|one| request.wants(one)).collect();
        if wanted.is_empty() {
            continue;
        }
        let seeded = consoles::start(state).await?;
        let camera = Camera::start(&seeded).await?;
        for picture in &wanted {
            let (image, findings) = camera.take(picture).await?;
            let file = format!("target/pictures/{}.png", picture.name());
            let place = root().join(&file);
            fs::create_dir_all(place.parent().unwrap_or(&place))?;
            fs::write(&place, image)?;
            taken += 1;
            faulty += usize::from(!findings.is_empty());
            let mut out = io::stdout();
            writeln!(
                out,
                "{file}{}",
                if findings.is_empty() {
                    ""
                } else {
                    ": FINDINGS"
                }
            )?;
            for finding in findings {
                writeln!(out, "    {finding}")?;
            }
        }
        camera.stop().await?;
        seeded.stop().await?;
    }
    if taken == 0 {
        return Err(io::Error::other(
            "no picture has a name with one of these words",
        ));
    }
    if request.keep {
        keep()?;
    }
    Ok(faulty)
}

/// Copies the pictures of the README.
fn keep() -> io::Result<()> {
    let folder = root().join("docs/pictures");
    fs::create_dir_all(&folder)?;
    for (name, kept) in KEPT {
        let taken = root().join(format!("target/pictures/{name}.png"));
        fs::copy(taken, folder.join(format!("{kept}.png")))?;
    }
    Ok(())
}
