//! Bytes of a file, unpacked when they are gzip.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

type Replayed<R> = Chain<Cursor<Vec<u8>>, R>;

/// The plain bytes of a file that may be packed.
pub(crate) enum Source<R: Read> {
    Plain(Replayed<R>),
    // Several members in one file are legal gzip (`cat a.gz b.gz`), so all are read.
    Gzip(Box<MultiGzDecoder<Replayed<R>>>),
}

impl<R: Read> Source<R> {
    /// Looks at the first two bytes, which are part of what is read afterwards.
    pub(crate) fn open(mut inner: R) -> io::Result<Self> {
        let mut first = Vec::with_capacity(GZIP_MAGIC.len());
        inner.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut first)?;
        let packed = first == GZIP_MAGIC;
        let replayed = Cursor::new(first).chain(inner);
        Ok(if packed { Self::Gzip(Box::new(MultiGzDecoder::new(replayed))) } else { Self::Plain(replayed) })
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.read(buf),
            Self::Gzip(inner) => inner.read(buf),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_or_plain_is_told_by_the_first_bytes() {
        let two_members = [gzip(b"a,b\n"), gzip(b"1,2\n")].concat();
        for (bytes, expect) in [
            (&b"a,b\n1,2\n"[..], "a,b\n1,2\n"),
            (&gzip(b"a,b\n1,2\n"), "a,b\n1,2\n"),
            (&two_members, "a,b\n1,2\n"),
            (b"x", "x"),
            (b"", ""),
        ] {
            let mut text = String::new();
            Source::open(bytes).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, expect);
        }
    }

    #[test]
    fn a_cut_gzip_is_an_error_not_a_short_file() {
        let whole = gzip(&b"a,b\n1,2\n".repeat(1000));
        let cut = &whole[..whole.len() - 9];
        assert!(Source::open(cut).unwrap().read_to_end(&mut Vec::new()).is_err());
    }
}
