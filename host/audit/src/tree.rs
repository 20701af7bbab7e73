use ring::digest::{Context, SHA256};
use tailmint_core::digest::hex;

/// What the leaves and the inner nodes of the tree are told apart by: RFC 6962, section 2.1.
const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];

/// More lines than any log has. A size beyond is of no tree, so that lines can be added.
const MOST: u64 = u64::MAX / 2;

/// The bytes of a hash.
const HASH_BYTES: usize = 32;

type Hash = [u8; HASH_BYTES];

/// The Merkle tree of RFC 6962 over the lines of a log, from the first one on: each leaf is
/// the text of an entry, without its line end.
///
/// It takes one line after the other, and holds one hash for each bit of their number: 64 at
/// the most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the largest whole trees, the largest first.
    peaks: Vec<Hash>,
}

impl Tree {
    /// A tree over so many lines, by the hashes that [`Tree::peaks`] gave. `None` where these
    /// are not the hashes of a tree of this size.
    pub(crate) fn resumed(size: u64, peaks: &[&str]) -> Option<Self> {
        let peaks: Vec<Hash> = peaks
            .iter()
            .map(|text| from_hex(text))
            .collect::<Option<_>>()?;
        let fits = size <= MOST && peaks.len() == size.count_ones() as usize;
        fits.then_some(Self { size, peaks })
    }

    /// Adds the next line.
    pub(crate) fn push(&mut self, line: &[u8]) {
        let mut hash = digest(&[LEAF, line]);
        let mut whole = self.size;
        while whole & 1 == 1 {
            let left = self.peaks.pop().unwrap_or_default();
            hash = digest(&[NODE, &left, &hash]);
            whole >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// How many lines it is over.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the whole tree: 32 bytes.
    pub fn root(&self) -> [u8; 32] {
        let mut peaks = self.peaks.iter().rev();
        let Some(smallest) = peaks.next() else {
            return digest(&[]);
        };
        peaks.fold(*smallest, |right, left| digest(&[NODE, left, &right]))
    }

    /// All that it takes to go on with it, in hexadecimal digits.
    pub(crate) fn peaks(&self) -> Vec<String> {
        self.peaks.iter().map(|it| hex(it)).collect()
    }
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let digits = text.as_bytes();
    if digits.len() != 2 * HASH_BYTES {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: u8| char::from(at).to_digit(16);
        let value = digit(pair[0])? * 16 + digit(pair[1])?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RFC 6962 says it: the largest power of two that is smaller goes to the left.
    fn by_definition(lines: &[Vec<u8>]) -> Hash {
        match lines {
            [] => digest(&[]),
            [line] => digest(&[LEAF, line]),
            lines => {
                let left = lines.len().next_power_of_two() / 2;
                let (left, right) = lines.split_at(left);
                digest(&[NODE, &by_definition(left), &by_definition(right)])
            }
        }
    }

    #[test]
    fn a_tree_that_grows_is_the_one_of_the_definition() {
        let lines: Vec<Vec<u8>> = (0..70_u8).map(|it| vec![it; it.into()]).collect();
        let mut tree = Tree::default();
        for count in 0..=lines.len() {
            assert_eq!(tree.size(), count as u64);
            assert_eq!(tree.root(), by_definition(&lines[..count]), "{count}");
            if let Some(next) = lines.get(count) {
                tree.push(next);
            }
        }
    }

    #[test]
    fn the_root_of_nothing_and_of_an_empty_line_are_those_of_the_standard() {
        // The values of the test vectors of Certificate Transparency.
        let mut tree = Tree::default();
        assert!(hex(&tree.root()).starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
        tree.push(b"");
        assert!(hex(&tree.root()).starts_with("6e340b9cffb37a989ca544e6bb780a2c"));
    }

    #[test]
    fn a_tree_is_gone_on_with_by_its_peaks() {
        let mut tree = Tree::default();
        for count in 0..40_u8 {
            let peaks = tree.peaks();
            let peaks: Vec<&str> = peaks.iter().map(String::as_str).collect();
            let mut again = Tree::resumed(count.into(), &peaks).unwrap();
            assert_eq!(again, tree);
            assert_eq!(Tree::resumed(u64::from(count) ^ 64, &peaks), None);
            again.push(&[count]);
            tree.push(&[count]);
            assert_eq!(again.root(), tree.root());
        }
        // What could not be added to.
        let all = "a".repeat(64);
        for size in [u64::MAX, u64::MAX - 1, MOST + 1] {
            let peaks = vec![&*all; size.count_ones() as usize];
            assert_eq!(Tree::resumed(size, &peaks), None, "{size}");
        }
        let mut most = Tree::resumed(MOST, &[&*all; 63]).unwrap();
        most.push(b"one more");
        assert_eq!(most.size(), MOST + 1);
        for wrong in ["", &"g".repeat(64), &"a".repeat(66), &"+a".repeat(32)] {
            assert_eq!(Tree::resumed(1, &[wrong]), None, "{wrong}");
        }
    }
}
