//! Where items begin and end, whatever they are made of.
//!
//! This is what tells a frame's members apart before any of them is read: it allocates nothing, recurses into nothing, and
//! looks at neither text nor nesting, so that what is wrong inside a value does not hide what stands behind it. Everything
//! that [`Reader`](super::Reader) accepts has the same extent here.
#![expect(clippy::wildcard_enum_match_arm, reason = "heads that do not fit are all refused alike")]

use super::{CborError, CborProblem, DEPTH_MAX};

/// A cursor that passes over whole items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extents<'a> {
    bytes: &'a [u8],
    at: usize,
    items: usize,
}

/// What a head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// Nothing behind the head.
    Scalar,
    /// The item that it is a tag of.
    Tag,
    /// So many bytes.
    Bytes(u64),
    /// Segments of strings of this major type up to a break.
    Segments(u8),
    /// So many items.
    Items(u64),
    /// Items up to a break.
    Open,
    Break,
}

impl<'a> Extents<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, items: 0 }
    }

    /// How many heads were passed over.
    pub(crate) const fn items(&self) -> usize {
        self.items
    }

    /// Whether nothing is left.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) const fn error(&self, problem: CborProblem) -> CborError {
        CborError { offset: self.at, problem }
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads the head of a map, passing over tags: how many pairs it has, `None` up to a break.
    pub(crate) fn map(&mut self) -> Result<Option<u64>, CborError> {
        let before = *self;
        self.tags()?;
        let major = self.rest().first().map(|initial| initial >> 5);
        match self.head()? {
            Head::Items(items) if major == Some(5) => Ok(Some(items / 2)),
            Head::Open if major == Some(5) => Ok(None),
            _ => Err(before.error(CborProblem::NotAMap)),
        }
    }

    /// Whether a map has another pair after `read` of them; passes over the break.
    pub(crate) fn more(&mut self, pairs: Option<u64>, read: u64) -> Result<bool, CborError> {
        match (pairs, self.bytes.get(self.at)) {
            (Some(pairs), _) => Ok(read < pairs),
            (None, Some(0xff)) => {
                self.at += 1;
                Ok(false)
            }
            (None, Some(_)) => Ok(true),
            (None, None) => Err(self.error(CborProblem::UnexpectedEnd)),
        }
    }

    /// Passes over a key; its bytes if it is text in one piece, as every name is that anybody knows.
    pub(crate) fn name(&mut self) -> Result<&'a [u8], CborError> {
        // Two lengths of heads that nearly all names have.
        let short = match self.rest() {
            [initial @ 0x60..=0x77, ..] => Some((1, usize::from(initial - 0x60))),
            [0x78, len, ..] => Some((2, usize::from(*len))),
            _ => None,
        };
        if let Some((head, len)) = short {
            let name = self.rest().get(head..head + len);
            let name = name.ok_or_else(|| self.error(CborProblem::UnexpectedEnd))?;
            self.at += head + len;
            self.items += 1;
            return Ok(name);
        }
        let before = *self;
        self.tags()?;
        let is_text = self.rest().first().is_some_and(|initial| initial >> 5 == 3);
        if let (true, Head::Bytes(len)) = (is_text, self.head()?) {
            let start = self.at;
            self.advance(len)?;
            return Ok(self.bytes.get(start..self.at).unwrap_or_default());
        }
        *self = before;
        self.skip().map(|()| &[][..])
    }

    /// Passes over `null` or `undefined` if that comes next.
    pub(crate) fn take_null(&mut self) -> Result<bool, CborError> {
        match self.bytes.get(self.at) {
            Some(0xf6 | 0xf7) => {
                self.at += 1;
                self.items += 1;
                Ok(true)
            }
            Some(0xc0..=0xdb | 0xf8) => {
                let before = *self;
                self.tags()?;
                let null = matches!(self.rest(), [0xf6 | 0xf7, ..] | [0xf8, 22 | 23, ..]);
                if null {
                    self.skip()?;
                } else {
                    *self = before;
                }
                Ok(null)
            }
            _ => Ok(false),
        }
    }

    /// Passes over one item; the bytes it is written in.
    pub(crate) fn item(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.at;
        self.skip()?;
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    /// Passes over one item.
    pub(crate) fn skip(&mut self) -> Result<(), CborError> {
        self.skip_all(1)
    }

    fn skip_all(&mut self, mut due: u64) -> Result<(), CborError> {
        while due > 0 {
            due -= 1;
            match self.head()? {
                Head::Scalar => {}
                Head::Tag => due += 1,
                Head::Bytes(len) => self.advance(len)?,
                Head::Segments(major) => self.segments(major)?,
                // More than the bytes that are left is as good as endless.
                Head::Items(items) => due = due.saturating_add(items),
                Head::Open => return self.skip_open(due),
                Head::Break => return Err(self.error(CborProblem::Syntax)),
            }
        }
        Ok(())
    }

    /// Passes over an open container whose head was just read, and over `due` items behind it.
    ///
    /// Counts don't tell where a container without a length ends, so these are stacked, up to the nesting that a reader accepts.
    #[cold]
    fn skip_open(&mut self, due: u64) -> Result<(), CborError> {
        let mut behind = [0; DEPTH_MAX];
        let mut open = 0;
        let push = |open: &mut usize, behind: &mut [u64; DEPTH_MAX], due, at: &Self| {
            let place = behind.get_mut(*open).ok_or_else(|| at.error(CborProblem::TooDeep))?;
            *place = due;
            *open += 1;
            Ok(())
        };
        push(&mut open, &mut behind, due, self)?;
        let mut due = 0_u64;
        loop {
            if due == 0 {
                let Some(last) = open.checked_sub(1) else { return Ok(()) };
                match self.bytes.get(self.at) {
                    Some(0xff) => {
                        self.at += 1;
                        open = last;
                        due = behind.get(last).copied().unwrap_or_default();
                        continue;
                    }
                    Some(_) => due = 1,
                    None => return Err(self.error(CborProblem::UnexpectedEnd)),
                }
            }
            due -= 1;
            match self.head()? {
                Head::Scalar => {}
                Head::Tag => due += 1,
                Head::Bytes(len) => self.advance(len)?,
                Head::Segments(major) => self.segments(major)?,
                Head::Items(items) => due = due.saturating_add(items),
                Head::Open => {
                    push(&mut open, &mut behind, due, self)?;
                    due = 0;
                }
                Head::Break => return Err(self.error(CborProblem::Syntax)),
            }
        }
    }

    fn segments(&mut self, major: u8) -> Result<(), CborError> {
        loop {
            let of_string = self.bytes.get(self.at).is_some_and(|initial| initial >> 5 == major);
            match self.head()? {
                Head::Bytes(len) if of_string => self.advance(len)?,
                Head::Break => return Ok(()),
                _ => return Err(self.error(CborProblem::Syntax)),
            }
        }
    }

    fn tags(&mut self) -> Result<(), CborError> {
        while matches!(self.bytes.get(self.at), Some(0xc0..=0xdb)) {
            self.head()?;
        }
        Ok(())
    }

    fn advance(&mut self, len: u64) -> Result<(), CborError> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        match end.filter(|end| *end <= self.bytes.len()) {
            Some(end) => {
                self.at = end;
                Ok(())
            }
            None => Err(self.error(CborProblem::UnexpectedEnd)),
        }
    }

    fn head(&mut self) -> Result<Head, CborError> {
        let Some((initial, rest)) = self.rest().split_first() else {
            return Err(self.error(CborProblem::UnexpectedEnd));
        };
        let (major, info) = (initial >> 5, initial & 0x1f);
        let (value, len) = match info {
            0..=23 => (u64::from(info), 0),
            24..=27 => {
                let len = 1_usize << (info - 24);
                let Some(bytes) = rest.get(..len) else {
                    return Err(self.error(CborProblem::UnexpectedEnd));
                };
                (bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)), len)
            }
            31 => (0, 0),
            _ => return Err(self.error(CborProblem::Syntax)),
        };
        let head = match (major, info) {
            (0 | 1 | 6, 31) => return Err(self.error(CborProblem::Syntax)),
            (0 | 1, _) => Head::Scalar,
            (2 | 3, 31) => Head::Segments(major),
            (2 | 3, _) => Head::Bytes(value),
            (4 | 5, 31) => Head::Open,
            (4, _) => Head::Items(value),
            (5, _) => Head::Items(value.saturating_mul(2)),
            (6, _) => Head::Tag,
            (_, 31) => Head::Break,
            (..) => Head::Scalar,
        };
        self.at += 1 + len;
        self.items += 1;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};
    use proptest::{collection, prelude::*};

    use super::{super::Reader, *};

    fn extent(bytes: &[u8]) -> Option<usize> {
        let mut extents = Extents::new(bytes);
        extents.item().ok().map(<[u8]>::len)
    }

    fn read(bytes: &[u8]) -> Option<usize> {
        let mut reader = Reader::new(bytes);
        reader.item().ok().map(<[u8]>::len)
    }

    /// One item of any make, well formed.
    fn item() -> impl Strategy<Value = Vec<u8>> {
        let head = |major: u8, value: u8, form: u8| match form % 3 {
            0 if value < 24 => vec![major << 5 | value],
            0 | 1 => vec![major << 5 | 24, value],
            _ => vec![major << 5 | 26, 0, 0, 0, value],
        };
        let string = move |text: bool| {
            (collection::vec(collection::vec(0x20..0x7f_u8, 0..30), 0..4), any::<bool>(), any::<u8>())
                .prop_map(move |(segments, open, form)| {
                    let major = if text { 3 } else { 2 };
                    let of = |segment: &Vec<u8>| {
                        let len = u8::try_from(segment.len()).unwrap();
                        [&head(major, len, form)[..], segment].concat()
                    };
                    if open {
                        [&[major << 5 | 31][..], &segments.iter().flat_map(of).collect::<Vec<_>>(), &[0xff]]
                            .concat()
                    } else {
                        of(&segments.into_iter().next().unwrap_or_default())
                    }
                })
        };
        let leaf = prop_oneof![
            (0..2_u8, any::<u8>(), any::<u8>())
                .prop_map(move |(major, value, form)| head(major, value, form)),
            prop_oneof![Just(20_u8), Just(21), Just(22), Just(23)].prop_map(|value| vec![0xe0 | value]),
            any::<u64>().prop_map(|bits| [&[0xfb][..], &bits.to_be_bytes()].concat()),
            string(true),
            string(false),
        ];
        leaf.prop_recursive(8, 64, 6, move |inner| {
            (collection::vec((inner.clone(), inner), 0..6), 0..5_u8, any::<u8>()).prop_map(
                move |(pairs, make, form)| {
                    let len = u8::try_from(pairs.len()).unwrap();
                    let firsts = pairs.iter().flat_map(|(first, _)| first.clone()).collect::<Vec<_>>();
                    let both = pairs.iter().flat_map(|(first, second)| [&first[..], second].concat());
                    let both = both.collect::<Vec<_>>();
                    match make {
                        0 => [head(4, len, form), firsts].concat(),
                        1 => [&[0x9f][..], &firsts, &[0xff]].concat(),
                        2 => [head(5, len, form), both].concat(),
                        3 => [&[0xbf][..], &both, &[0xff]].concat(),
                        _ => [
                            head(6, len, form),
                            pairs.into_iter().next().map_or_else(|| vec![0], |pair| pair.0),
                        ]
                        .concat(),
                    }
                },
            )
        })
    }

    proptest! {
        #[test]
        fn an_item_has_the_extent_that_a_reader_sees(item in item(), behind in collection::vec(any::<u8>(), 0..8)) {
            let bytes = [&item[..], &behind].concat();
            prop_assert_eq!(read(&bytes), Some(item.len()));
            prop_assert_eq!(extent(&bytes), Some(item.len()));
        }

        #[test]
        fn whatever_a_reader_takes_has_an_extent(
            item in item(),
            changes in collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let mut bytes = item;
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(len) = read(&bytes) {
                prop_assert_eq!(extent(&bytes), Some(len));
            }
        }

        #[test]
        fn an_item_cut_short_has_none(item in item(), cut in any::<prop::sample::Index>()) {
            prop_assert_eq!(extent(&item[..cut.index(item.len())]), None);
        }
    }

    #[test]
    fn what_is_wrong_inside_does_not_change_an_extent() {
        for item in [
            vec![0x61, 0xff],
            [vec![0x81; 1_000_000], vec![0x00]].concat(),
            [[0xa1, 0x00].repeat(100), vec![0x00]].concat(),
            [vec![0x9a, 0x00, 0x02, 0x00, 0x01], vec![0x00; 131_073]].concat(),
            vec![0xbf, 0x00, 0xff],
        ] {
            assert_eq!(read(&item), None);
            assert_eq!(extent(&[&item[..], &[0x00]].concat()), Some(item.len()));
        }
    }

    #[test]
    fn only_so_many_open_containers_are_followed() {
        let open = |levels: usize| [vec![0x9f; levels], vec![0xff; levels]].concat();
        assert_eq!(extent(&open(DEPTH_MAX)), Some(2 * DEPTH_MAX));
        assert_eq!(extent(&open(DEPTH_MAX + 1)), None);
    }

    #[test]
    fn a_length_beyond_everything_is_no_extent() {
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            assert_eq!(extent(&[&[head][..], &[0xff; 8], &[0x00; 64]].concat()), None);
        }
        assert_eq!(extent(&[0x82, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]), None);
    }

    #[test]
    fn a_name_is_known_however_its_length_is_written() {
        for head in [&[0x61][..], &[0x78, 1], &[0x79, 0, 1], &[0x7a, 0, 0, 0, 1], &[0xc0, 0xd8, 9, 0x61]] {
            let bytes = [head, b"x\x07"].concat();
            let mut extents = Extents::new(&bytes);
            assert_eq!(extents.name(), Ok(&b"x"[..]));
            assert_eq!(extents.rest(), [7]);
        }
        for other in [&[0x41, b'x'][..], &[0x7f, 0x61, b'x', 0xff], &[0x01], &[0x80], &[0xc0, 0xf6]] {
            let mut extents = Extents::new(other);
            assert_eq!((extents.name(), extents.is_at_end()), (Ok(&[][..]), true));
        }
    }

    #[test]
    fn items_are_counted_with_their_tags_and_keys() {
        let mut extents = Extents::new(&[0xa1, 0x61, b'x', 0x82, 0xc0, 0x01, 0xf6]);
        extents.skip().unwrap();
        assert_eq!(extents.items(), 6);
    }
}
