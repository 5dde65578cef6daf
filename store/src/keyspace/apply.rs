//! Commands carried out. Every one is first checked whole and then cannot fail half-way.

use std::sync::Arc;

use super::event::View;
use super::moment::plausible;
use super::path::split;
use super::{
    Action, Change, Code, Command, Compare, Content, Event, Inside, Keyspace, Moment, Node, Refusal, parts,
};

impl Keyspace {
    /// What a command would be refused for, without carrying it out.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn check(&self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Set { path, content, .. } => self.check_set(path, content),
            Command::Update { path, content } => {
                self.check_writable(path)?;
                if self.find(path)?.is_dir() && !content.value.is_empty() {
                    return Err(self.refuse(Code::NotFile, path));
                }
                Ok(())
            }
            Command::Create { path, in_order, .. } => {
                self.check_new(&self.final_path(path, *in_order), false)
            }
            Command::CompareAndSwap { path, compare, .. } => {
                self.check_writable(path)?;
                self.check_compare(path, compare)
            }
            Command::Delete { path, is_dir, is_recursive } => {
                self.check_writable(path)?;
                self.check_delete(path, *is_dir, *is_recursive)
            }
            Command::CompareAndDelete { path, compare } => self.check_compare(path, compare),
        }
    }

    /// Carries out a command at a moment.
    ///
    /// # Errors
    /// Why it was refused; then nothing has changed.
    pub fn apply(&mut self, command: &Command, now: Moment) -> Result<Change, Refusal> {
        let checked = self.check(command);
        self.count(command, checked.is_ok());
        checked?;
        self.latest = self.latest.max(now);
        let change = match command {
            Command::Set { path, is_dir, content } => self.set(path, *is_dir, content, now),
            Command::Update { path, content } => self.change(Action::Update, path, content, now),
            Command::Create { path, is_dir, in_order, content } => {
                let path = self.final_path(path, *in_order);
                // What is new has nothing to refresh, and etcd tells it whatever was asked.
                let content = Content { is_refresh: false, ..content.clone() };
                self.put(Action::Create, &path, *is_dir, &content, now)
            }
            Command::CompareAndSwap { path, content, .. } => {
                self.change(Action::CompareAndSwap, path, content, now)
            }
            Command::Delete { path, .. } => self.remove(Action::Delete, path, now),
            Command::CompareAndDelete { path, .. } => self.remove(Action::CompareAndDelete, path, now),
        };
        Ok(change)
    }

    /// Removes the next key or directory whose time is over at `now`.
    pub fn expire(&mut self, now: Moment) -> Option<Change> {
        let (_, path) = self.ends.first().filter(|(end, _)| *end <= now)?.clone();
        self.counts.expired += 1;
        self.latest = self.latest.max(now);
        Some(self.remove(Action::Expire, &path, now))
    }

    fn count(&mut self, command: &Command, is_done: bool) {
        let tally = match command {
            Command::Set { .. } => &mut self.counts.sets,
            Command::Update { .. } => &mut self.counts.updates,
            Command::Create { .. } => &mut self.counts.creates,
            Command::CompareAndSwap { .. } => &mut self.counts.swaps,
            Command::Delete { .. } => &mut self.counts.deletes,
            Command::CompareAndDelete { .. } => &mut self.counts.guarded_deletes,
        };
        tally.add(is_done);
    }

    fn check_writable(&self, path: &str) -> Result<(), Refusal> {
        if path.is_empty() { Err(self.refuse(Code::RootReadOnly, "/")) } else { Ok(()) }
    }

    fn check_set(&self, path: &str, content: &Content) -> Result<(), Refusal> {
        match self.find(path) {
            Err(refusal) if content.is_refresh || refusal.code != Code::KeyNotFound => Err(refusal),
            _ => self.check_new(path, true),
        }
    }

    /// May a node be put there? `over`: instead of a key.
    fn check_new(&self, path: &str, over: bool) -> Result<(), Refusal> {
        self.check_writable(path)?;
        let mut node = &self.root;
        let mut length = 0;
        for name in parts(path) {
            let Some(children) = node.children() else {
                return Err(self.refuse(Code::NotDir, path.get(..length).unwrap_or_default()));
            };
            length += 1 + name.len();
            match children.get(name) {
                Some(child) => node = child,
                None => return Ok(()),
            }
        }
        match (over, node.is_dir()) {
            (true, false) => Ok(()),
            (true, true) => Err(self.refuse(Code::NotFile, path)),
            (false, _) => Err(self.refuse(Code::NodeExist, path)),
        }
    }

    fn check_compare(&self, path: &str, compare: &Compare) -> Result<(), Refusal> {
        let node = self.find(path)?;
        let Some(value) = node.value() else {
            return Err(self.refuse(Code::NotFile, path));
        };
        let values = (compare.value.is_empty() || *compare.value == **value)
            .then_some(())
            .ok_or_else(|| format!("[{} != {value}]", compare.value));
        let indices = (compare.index == 0 || compare.index == node.modified)
            .then_some(())
            .ok_or_else(|| format!("[{} != {}]", compare.index, node.modified));
        match (values, indices) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(values), Err(indices)) => Err(self.refuse(Code::TestFailed, format!("{values} {indices}"))),
            (Err(cause), Ok(())) | (Ok(()), Err(cause)) => Err(self.refuse(Code::TestFailed, cause)),
        }
    }

    fn check_delete(&self, path: &str, is_dir: bool, is_recursive: bool) -> Result<(), Refusal> {
        let node = self.find(path)?;
        let Some(children) = node.children() else { return Ok(()) };
        if !is_dir && !is_recursive {
            return Err(self.refuse(Code::NotFile, path));
        }
        if !children.is_empty() && !is_recursive {
            return Err(self.refuse(Code::DirNotEmpty, path));
        }
        Ok(())
    }

    fn final_path(&self, path: &str, in_order: bool) -> String {
        if in_order { format!("{path}/{:020}", self.index + 1) } else { path.to_owned() }
    }

    fn set(&mut self, path: &str, is_dir: bool, content: &Content, now: Moment) -> Change {
        let old = self.find(path).ok();
        let value = old.and_then(Node::value).filter(|_| content.is_refresh).unwrap_or(&content.value);
        let content = Content { value: Arc::clone(value), ..*content };
        self.put(Action::Set, path, is_dir, &content, now)
    }

    /// Puts a new node where there is none or only a key.
    fn put(&mut self, action: Action, path: &str, is_dir: bool, content: &Content, now: Moment) -> Change {
        let before = self.find(path).ok().map(|old| old.view(path, now));
        self.forget_end(path);
        self.index += 1;
        let expiry = plausible(content.expiry);
        let node = if is_dir {
            Node::dir(self.index, expiry)
        } else {
            Node::key(Arc::clone(&content.value), self.index, expiry)
        };
        let event = Event { action, node: node.view(path, now), before };
        self.place(path, node);
        self.tell(event, Vec::new(), content.is_refresh)
    }

    /// Puts a node into the tree and remembers its end.
    pub(super) fn place(&mut self, path: &str, node: Node) {
        if let Some(end) = node.expiry {
            self.ends.insert((end, path.into()));
        }
        let Some((above, name)) = split(path) else { return };
        if let Some(children) = self.root.make_way(above, node.created) {
            children.insert(name.into(), node);
        }
    }

    /// Changes a node that is there.
    fn change(&mut self, action: Action, path: &str, content: &Content, now: Moment) -> Change {
        self.forget_end(path);
        self.index += 1;
        let index = self.index;
        let mut node = View::bare(path, false, index, index);
        let mut before = None;
        if let Some(there) = self.root.at_mut(path) {
            before = Some(there.view(path, now));
            if let Inside::Value(value) = &mut there.content {
                if !content.is_refresh {
                    *value = Arc::clone(&content.value);
                }
                // A directory's own index stays, as in etcd.
                there.modified = index;
            }
            there.expiry = content.expiry;
            node = View { modified: index, ..there.view(path, now) };
        }
        if let Some(end) = content.expiry {
            self.ends.insert((end, path.into()));
        }
        self.tell(Event { action, node, before }, Vec::new(), content.is_refresh)
    }

    /// Removes a node with everything in it.
    fn remove(&mut self, action: Action, path: &str, now: Moment) -> Change {
        self.index += 1;
        let gone = split(path).and_then(|(above, name)| self.root.make_way(above, 0)?.remove(name));
        let mut event = Event { action, node: View::bare(path, false, self.index, self.index), before: None };
        let mut removed = Vec::new();
        if let Some(gone) = gone {
            event.node = View::bare(path, gone.is_dir(), gone.created, self.index);
            event.before = Some(gone.view(path, now));
            gone.each_inside(path, &mut |path, node| {
                if let Some(end) = node.expiry {
                    self.ends.remove(&(end, path.into()));
                }
                removed.push(path.to_owned());
            });
        }
        self.tell(event, removed, false)
    }

    fn forget_end(&mut self, path: &str) {
        if let Some(end) = self.find(path).ok().and_then(|node| node.expiry) {
            self.ends.remove(&(end, path.into()));
        }
    }

    fn tell(&mut self, event: Event, removed: Vec<String>, is_silent: bool) -> Change {
        let event = Arc::new(event);
        self.history.push((!is_silent).then(|| Arc::clone(&event)));
        Change { event, removed, is_silent }
    }
}
