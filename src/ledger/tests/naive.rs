//! RFC 6962 §2.1 word for word: recursive, over the list of leaf hashes. It shares nothing with the code under test but
//! SHA-256 itself; the memory of subtrees already hashed only makes it quick.

use std::cell::RefCell;
use std::collections::HashMap;

use lienthong_contract::Digest;

pub struct Naive<'a> {
    leaves: &'a [Digest],
    hashed: RefCell<HashMap<(usize, usize), Digest>>,
}

/// "Let k be the largest power of two smaller than n".
fn k(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

impl<'a> Naive<'a> {
    pub fn new(leaves: &'a [Digest]) -> Self {
        Self { leaves, hashed: RefCell::default() }
    }

    /// MTH(D[from:to]).
    pub fn mth(&self, from: usize, to: usize) -> Digest {
        if from == to {
            return Digest::of(b"");
        }
        if to - from == 1 {
            return self.leaves[from];
        }
        if let Some(hash) = self.hashed.borrow().get(&(from, to)) {
            return *hash;
        }
        let middle = from + k(to - from);
        let (left, right) = (self.mth(from, middle), self.mth(middle, to));
        let hash = Digest::of(&[&[1], &left.as_bytes()[..], &right.as_bytes()[..]].concat());
        self.hashed.borrow_mut().insert((from, to), hash);
        hash
    }

    /// PATH(m, D[n]).
    pub fn path(&self, m: usize, n: usize) -> Vec<Digest> {
        self.path_in(m, 0, n)
    }

    fn path_in(&self, m: usize, from: usize, to: usize) -> Vec<Digest> {
        let n = to - from;
        if n == 1 {
            return Vec::new();
        }
        let middle = from + k(n);
        if m < k(n) {
            let mut path = self.path_in(m, from, middle);
            path.push(self.mth(middle, to));
            path
        } else {
            let mut path = self.path_in(m - k(n), middle, to);
            path.push(self.mth(from, middle));
            path
        }
    }

    /// PROOF(m, D[n]).
    pub fn proof(&self, m: usize, n: usize) -> Vec<Digest> {
        self.subproof(m, 0, n, true)
    }

    fn subproof(&self, m: usize, from: usize, to: usize, b: bool) -> Vec<Digest> {
        let n = to - from;
        if m == n {
            return if b { Vec::new() } else { vec![self.mth(from, to)] };
        }
        let middle = from + k(n);
        if m <= k(n) {
            let mut proof = self.subproof(m, from, middle, b);
            proof.push(self.mth(middle, to));
            proof
        } else {
            let mut proof = self.subproof(m - k(n), middle, to, false);
            proof.push(self.mth(from, middle));
            proof
        }
    }
}
