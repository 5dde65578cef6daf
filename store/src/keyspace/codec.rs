//! Values as bytes and back. Where the bytes are kept, and that they come back as they were, is the database's business.

use super::Moment;

/// Bytes that mean nothing here: written by another version, or not by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Writes.
#[derive(Default)]
pub(super) struct Pen(pub(super) Vec<u8>);

impl Pen {
    pub(super) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(super) fn flag(&mut self, flag: bool) -> &mut Self {
        self.byte(u8::from(flag))
    }

    /// Seven bits a byte, the lowest first: small numbers are short.
    pub(super) fn number(&mut self, mut number: u64) -> &mut Self {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.byte(number.to_le_bytes()[0])
    }

    pub(super) fn moment(&mut self, moment: Moment) -> &mut Self {
        self.number(moment.cast_unsigned())
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn maybe<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
        self
    }
}

/// Reads.
pub(super) struct Page<'a>(pub(super) &'a [u8]);

impl<'a> Page<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, Unreadable> {
        let (byte, rest) = self.0.split_first().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Unreadable> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    pub(super) fn moment(&mut self) -> Result<Moment, Unreadable> {
        Ok(self.number()?.cast_signed())
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = usize::try_from(self.number()?).map_err(|_| Unreadable)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| Unreadable)
    }

    pub(super) fn maybe<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn end(&self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let mut pen = Pen::default();
        pen.number(0).number(127).number(128).number(u64::MAX).moment(-1).text("é").flag(true);
        pen.maybe(Some("x"), |pen, text| pen.text(text)).maybe(None::<u8>, |pen, _| pen);
        let bytes = pen.0;
        let mut page = Page(&bytes);
        assert_eq!([page.number(), page.number(), page.number()], [Ok(0), Ok(127), Ok(128)]);
        assert_eq!((page.number(), page.moment(), page.text()), (Ok(u64::MAX), Ok(-1), Ok("é")));
        assert_eq!((page.flag(), page.maybe(Page::text)), (Ok(true), Ok(Some("x"))));
        assert_eq!((page.maybe(Page::byte), page.end()), (Ok(None), Ok(())));
        assert_eq!(Page(&[2]).flag(), Err(Unreadable));
        assert_eq!(Page(&[5, b'a']).text(), Err(Unreadable));
        assert_eq!(Page(&[0xff; 11]).number(), Err(Unreadable));
    }
}
