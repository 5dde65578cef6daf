//! The first step of submit, load, start and restart: each unit named is in the registry afterwards, made from the
//! file here or from its template (contract §3.5). Asking for a state comes later and elsewhere.

pub(crate) mod source;

use cluster::unit_file::UnitFile;
use cluster::{TargetState, UnitName};

use crate::api::{Api, ApiError, Unit};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::lanes;
use crate::naming::Wanted;
use crate::orders::{self, Goal};
use crate::talk;
use crate::waiting::Patience;

use source::Found;

/// Which command wants the units; a replacement is allowed from fewer states in some than in others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `submit`
    Submit,
    /// `load`
    Load,
    /// `start`
    Start,
    /// `restart`
    Restart,
}

impl Verb {
    /// True where content may be replaced under a unit asked to be in this state.
    fn may_replace(self, state: TargetState) -> bool {
        match self {
            Self::Submit => state == TargetState::Inactive,
            Self::Load => state <= TargetState::Loaded,
            Self::Start => true,
            Self::Restart => false,
        }
    }
}

/// What it means that systemd calls a unit active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its process was begun; whether it will last is not known yet.
    Forked,
    /// It is at work and will end by itself: `Type=oneshot`.
    Ends,
    /// It has said itself that it is ready, or is no service.
    Ready,
}

/// A unit that is in the registry now.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// Its name.
    pub(crate) name: UnitName,
    /// The state it is asked to be in.
    pub(crate) desired: TargetState,
    /// Runs on every machine that can.
    pub(crate) global: bool,
    /// What `active` says of it.
    pub(crate) kind: Kind,
    /// Made or replaced just now.
    fresh: bool,
}

impl Ready {
    fn kept(unit: &Unit) -> Self {
        let (name, desired, global) = (unit.name.clone(), unit.desired, unit.global);
        Self { name, desired, global, kind: source::kind(&unit.name, &unit.file), fresh: false }
    }
}

/// What was done for one unit, and what is to be said of it.
struct Done {
    ready: Ready,
    answers: Vec<String>,
    remarks: Vec<String>,
    warnings: Vec<String>,
    /// Content to be stored for it first.
    content: Option<UnitFile>,
}

/// Why a unit could not be made ready.
#[derive(Debug)]
enum Trouble {
    Api(ApiError),
    Words(String, Exit),
    Printing(Failure),
}

impl From<ApiError> for Trouble {
    fn from(cause: ApiError) -> Self {
        Self::Api(cause)
    }
}

impl Trouble {
    fn words(text: impl ToString) -> Self {
        Self::Words(text.to_string(), Exit::Failed)
    }

    fn failure(self) -> Failure {
        match self {
            Self::Api(cause) => Failure::api(LEAD, &cause),
            Self::Words(text, exit) => Failure::Says(format!("{LEAD}: {text}"), exit),
            Self::Printing(failure) => failure,
        }
    }
}

const LEAD: &str = "Error creating units";

/// So many files are named in advice.
const ADVISED_FILES_MAX: usize = 3;

/// Makes every unit `words` stand for ready, in their order, and waits until those made just now read back.
///
/// # Errors
/// The first unit that cannot be made ready; nothing more is begun after it.
pub(crate) fn make_ready(
    context: &Context<'_>,
    words: &[String],
    verb: Verb,
    replace: bool,
    patience: Patience,
) -> Result<Vec<Ready>, Failure> {
    let api = context.api()?;
    let mut all = Vec::new();
    each(
        context,
        words,
        |wanted| store(api, intend(api, wanted, verb, replace)?),
        |done| all.push(done.ready),
    )?;
    await_fresh(context, &all, patience)?;
    Ok(all)
}

/// The units that would be made ready, with their content where it would be stored first. Nothing is stored.
///
/// # Errors
/// The first unit that could not be made ready.
pub(crate) fn intended(
    context: &Context<'_>,
    words: &[String],
    verb: Verb,
    replace: bool,
) -> Result<Vec<(UnitName, Option<UnitFile>)>, Failure> {
    let api = context.api()?;
    let mut all = Vec::new();
    let take = |done: Done| all.push((done.ready.name, done.content));
    each(context, words, |wanted| intend(api, wanted, verb, replace), take)?;
    Ok(all)
}

/// Does `work` for each unit `words` stand for, and says in their order what there is to say.
fn each(
    context: &Context<'_>,
    words: &[String],
    work: impl Fn(&Wanted) -> Result<Done, Trouble> + Sync,
    mut take: impl FnMut(Done),
) -> Result<(), Failure> {
    let selection = orders::selected(context, words, LEAD).map_err(led)?;
    if let Some(name) = selection.unmatched.first() {
        return Err(Trouble::from_nowhere(name, "").failure());
    }
    let told = lanes::in_order(&selection.units, work, |_, done| {
        done.warnings.iter().for_each(|text| talk::warn(text));
        done.remarks.iter().for_each(|text| talk::say(text));
        done.answers.iter().try_for_each(|text| context.answer(text)).map_err(Trouble::Printing)?;
        take(done);
        Ok(())
    });
    told.map_err(|trouble| advised(context, words, trouble))
}

/// fleet's words do not always tell which of several files is wrong, nor where; a person is told what does.
fn advised(context: &Context<'_>, words: &[String], trouble: Trouble) -> Failure {
    let files = if words.len() > ADVISED_FILES_MAX { "FILE...".to_owned() } else { words.join(" ") };
    let (program, is_files_fault) = (context.program, matches!(trouble, Trouble::Words(_, Exit::Failed)));
    match trouble.failure() {
        Failure::Says(text, exit) if is_files_fault && talk::has_reader() => {
            Failure::Says(format!("{text}\n\"{program} verify {files}\" says more."), exit)
        }
        other => other,
    }
}

/// The same failure, told as one of creating units.
fn led(failure: Failure) -> Failure {
    match failure {
        Failure::Says(text, exit) if !text.starts_with(LEAD) => {
            Failure::Says(format!("{LEAD}: {text}"), exit)
        }
        other => other,
    }
}

fn await_fresh(context: &Context<'_>, all: &[Ready], patience: Patience) -> Result<(), Failure> {
    let fresh: Vec<&Ready> = all.iter().filter(|ready| ready.fresh).collect();
    let names: Vec<UnitName> = fresh.iter().map(|ready| ready.name.clone()).collect();
    let missing = orders::await_units(context, &names, Goal::Created, patience)?;
    match missing.late.first() {
        None => Ok(()),
        Some(name) => {
            let late = orders::late(name, TargetState::Inactive.as_str());
            Err(Failure::new(format_args!("Error waiting on unit creation: {late}")))
        }
    }
}

/// What is to be done for one unit; nothing is stored yet.
fn intend(api: &Api, wanted: &Wanted, verb: Verb, replace: bool) -> Result<Done, Trouble> {
    match api.unit(&wanted.name)? {
        Some(unit) if replace => replace_one(wanted, &unit, verb),
        Some(unit) => {
            let mut done = Done::of(Ready::kept(&unit));
            done.remarks.extend(source::difference(wanted, &unit));
            Ok(done)
        }
        None => {
            let found = source::find(api, wanted)?;
            checked(wanted, found)
        }
    }
}

fn replace_one(wanted: &Wanted, unit: &Unit, verb: Verb) -> Result<Done, Trouble> {
    let file = source::read(&wanted.path).map_err(Trouble::words)?;
    let name = &wanted.name;
    if file.hash() == unit.file.hash() {
        let mut done = Done::of(Ready::kept(unit));
        done.answers.push(format!("Found same Unit({name}) in Registry, nothing to do"));
        return Ok(done);
    }
    if !verb.may_replace(unit.desired) {
        let mut done = Done::of(Ready::kept(unit));
        let state = unit.desired;
        done.remarks.push(format!(
            "Warning: can not replace Unit({name}) in state '{state}', use the appropriate command"
        ));
        return Ok(done);
    }
    checked(wanted, Found { file, remark: None })
}

/// Stores the content of a unit, if it has to be.
fn store(api: &Api, done: Done) -> Result<Done, Trouble> {
    let Some(file) = &done.content else { return Ok(done) };
    let name = &done.ready.name;
    let refused = |e: ApiError| match e {
        ApiError::Refused { .. } => Trouble::words(format_args!("failed creating unit {name}: {e}")),
        other => Trouble::Api(other),
    };
    api.create(name, file).map_err(refused)?;
    Ok(done)
}

/// A unit that is to be stored, checked as the server will.
fn checked(wanted: &Wanted, found: Found) -> Result<Done, Trouble> {
    let name = &wanted.name;
    source::check(name, &found.file).map_err(Trouble::words)?;
    let ready = Ready {
        name: name.clone(),
        desired: TargetState::Inactive,
        global: source::is_global(name, &found.file),
        kind: source::kind(name, &found.file),
        fresh: true,
    };
    let mut done = Done::of(ready);
    done.remarks.extend(found.remark);
    done.warnings.extend(source::unknown_options(name, &found.file));
    done.content = Some(found.file);
    Ok(done)
}

impl Done {
    const fn of(ready: Ready) -> Self {
        Self { ready, answers: Vec::new(), remarks: Vec::new(), warnings: Vec::new(), content: None }
    }
}

impl Trouble {
    /// Neither the registry nor a folder here has it.
    fn from_nowhere(name: &str, hint: &str) -> Self {
        Self::Words(format!("unable to find Unit({name}) in Registry or on filesystem{hint}"), Exit::NotFound)
    }
}
