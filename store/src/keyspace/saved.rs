//! A keyspace as records, and back: first what it is (a start, its nodes, its history), then what was done to it since.
//! Read in order, they make the same keyspace again, indices, ends and history included.

use std::sync::Arc;

use super::codec::{Page, Pen, Unreadable};
use super::event::View;
use super::history::History;
use super::{Action, Change, Command, Compare, Content, Event, Keyspace, Moment, Node};

/// Kinds of records. Their numbers are on disk.
const START: u8 = 1;
const NODE: u8 = 2;
const PAST: u8 = 3;
const DONE: u8 = 4;
const EXPIRED: u8 = 5;

/// A command carried out at a moment.
#[must_use]
pub fn done(command: &Command, now: Moment) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.byte(DONE).moment(now);
    write_command(&mut pen, command);
    pen.0
}

/// Everything removed whose time was over at a moment.
#[must_use]
pub fn expired(now: Moment) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.byte(EXPIRED).moment(now);
    pen.0
}

impl Keyspace {
    /// The whole of it as records.
    ///
    /// # Errors
    /// The first of the receiver's; then the rest is not made.
    pub fn save<E>(&self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut pen = Pen::default();
        pen.byte(START)
            .number(self.cluster)
            .number(self.index)
            .number(self.history.first)
            .moment(self.latest);
        each(&pen.0)?;
        let mut result = Ok(());
        self.root.each_inside("", &mut |path, node| {
            if result.is_ok() && !path.is_empty() {
                result = each(&node_record(path, node));
            }
        });
        result?;
        for entry in &self.history.entries {
            let mut pen = Pen::default();
            pen.byte(PAST).maybe(entry.as_ref(), |pen, event| write_event(pen, event));
            each(&pen.0)?;
        }
        Ok(())
    }

    /// Takes the next record. What it changed, if it is something that was done.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn restore(&mut self, record: &[u8]) -> Result<Vec<Change>, Unreadable> {
        let mut page = Page(record);
        let kind = page.byte()?;
        let mut changes = Vec::new();
        match kind {
            START => {
                *self = Self::new(page.number()?);
                self.index = page.number()?;
                self.history = History { first: page.number()?, ..History::silent(0) };
                self.latest = page.moment()?;
            }
            NODE => self.restore_node(&mut page)?,
            PAST => {
                let event = page.maybe(read_event)?;
                self.history.entries.push_back(event.map(Arc::new));
            }
            DONE => {
                let now = page.moment()?;
                // Refused then, refused now.
                changes.extend(self.apply(&read_command(&mut page)?, now).ok());
            }
            EXPIRED => {
                let now = page.moment()?;
                changes.extend(std::iter::from_fn(|| self.expire(now)));
            }
            _ => return Err(Unreadable),
        }
        page.end()?;
        Ok(changes)
    }

    fn restore_node(&mut self, page: &mut Page<'_>) -> Result<(), Unreadable> {
        let path = page.text()?;
        let value = page.maybe(Page::text)?;
        let (created, modified) = (page.number()?, page.number()?);
        let expiry = page.maybe(Page::moment)?;
        // What is in a directory comes before it, and may have made it already.
        if let (None, Some(made)) = (value, self.root.at_mut(path)) {
            (made.created, made.modified, made.expiry) = (created, modified, expiry);
            if let Some(end) = expiry {
                self.ends.insert((end, path.into()));
            }
            return Ok(());
        }
        let mut node = match value {
            Some(value) => Node::key(value.into(), created, expiry),
            None => Node::dir(created, expiry),
        };
        node.modified = modified;
        self.place(path, node);
        Ok(())
    }
}

fn node_record(path: &str, node: &Node) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.byte(NODE).text(path).maybe(node.value(), |pen, value| pen.text(value));
    pen.number(node.created).number(node.modified).maybe(node.expiry, |pen, end| pen.moment(end));
    pen.0
}

fn write_view<'a>(pen: &'a mut Pen, view: &View) -> &'a mut Pen {
    pen.text(&view.key).maybe(view.value.as_deref(), |pen, value| pen.text(value)).flag(view.is_dir);
    pen.maybe(view.expiry, |pen, end| pen.moment(end)).moment(view.ttl);
    pen.number(view.created).number(view.modified)
}

fn read_view(page: &mut Page<'_>) -> Result<View, Unreadable> {
    Ok(View {
        key: page.text()?.into(),
        value: page.maybe(Page::text)?.map(Arc::from),
        is_dir: page.flag()?,
        expiry: page.maybe(Page::moment)?,
        ttl: page.moment()?,
        created: page.number()?,
        modified: page.number()?,
    })
}

fn write_event<'a>(pen: &'a mut Pen, event: &Event) -> &'a mut Pen {
    let action = Action::ALL.iter().position(|action| *action == event.action);
    pen.byte(action.and_then(|action| u8::try_from(action).ok()).unwrap_or(u8::MAX));
    write_view(pen, &event.node);
    pen.maybe(event.before.as_ref(), |pen, before| write_view(pen, before))
}

fn read_event(page: &mut Page<'_>) -> Result<Event, Unreadable> {
    let action = *Action::ALL.get(usize::from(page.byte()?)).ok_or(Unreadable)?;
    Ok(Event { action, node: read_view(page)?, before: page.maybe(read_view)? })
}

fn write_content(pen: &mut Pen, content: &Content) {
    pen.text(&content.value).maybe(content.expiry, |pen, end| pen.moment(end)).flag(content.is_refresh);
}

fn read_content(page: &mut Page<'_>) -> Result<Content, Unreadable> {
    Ok(Content { value: page.text()?.into(), expiry: page.maybe(Page::moment)?, is_refresh: page.flag()? })
}

fn write_compare(pen: &mut Pen, compare: &Compare) {
    pen.text(&compare.value).number(compare.index);
}

fn read_compare(page: &mut Page<'_>) -> Result<Compare, Unreadable> {
    Ok(Compare { value: page.text()?.to_owned(), index: page.number()? })
}

fn write_command(pen: &mut Pen, command: &Command) {
    match command {
        Command::Set { path, is_dir, content } => {
            write_content(pen.byte(0).text(path).flag(*is_dir), content);
        }
        Command::Update { path, content } => write_content(pen.byte(1).text(path), content),
        Command::Create { path, is_dir, in_order, content } => {
            write_content(pen.byte(2).text(path).flag(*is_dir).flag(*in_order), content);
        }
        Command::CompareAndSwap { path, compare, content } => {
            write_compare(pen.byte(3).text(path), compare);
            write_content(pen, content);
        }
        Command::Delete { path, is_dir, is_recursive } => {
            pen.byte(4).text(path).flag(*is_dir).flag(*is_recursive);
        }
        Command::CompareAndDelete { path, compare } => write_compare(pen.byte(5).text(path), compare),
    }
}

fn read_command(page: &mut Page<'_>) -> Result<Command, Unreadable> {
    let kind = page.byte()?;
    let path = page.text()?.to_owned();
    Ok(match kind {
        0 => Command::Set { path, is_dir: page.flag()?, content: read_content(page)? },
        1 => Command::Update { path, content: read_content(page)? },
        2 => Command::Create {
            path,
            is_dir: page.flag()?,
            in_order: page.flag()?,
            content: read_content(page)?,
        },
        3 => Command::CompareAndSwap { path, compare: read_compare(page)?, content: read_content(page)? },
        4 => Command::Delete { path, is_dir: page.flag()?, is_recursive: page.flag()? },
        5 => Command::CompareAndDelete { path, compare: read_compare(page)? },
        _ => return Err(Unreadable),
    })
}
