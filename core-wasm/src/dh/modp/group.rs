//! The group's parameters and tables in the limbs of either word size,
//! computed by the compiler with `crypto-bigint`.

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{CtSelect, Limb, U2048, Word as BigWord, const_monty_params};
use zeroize::Zeroizing;

use super::field::Limbs;
use super::field::word::Word;
use super::generator::{self, Comb};

const_monty_params!(
    Group14,
    U2048,
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
     020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
     4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
     98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
     9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
     E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
     3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    "The group's prime modulus."
);

/// A residue in the arithmetic that the compiler and the tests use.
pub(super) type Residue = ConstMontyForm<Group14, { U2048::LIMBS }>;

/// The prime.
pub(super) const PRIME: &U2048 = Residue::MODULUS.as_ref();

/// A word size, with the parameters and tables in its limbs.
pub(super) trait Group<const T: usize, const N: usize>: Word {
    const PRIME: Limbs<Self, T, N>;
    /// The element of 1: R mod p.
    const ELEMENT_ONE: Limbs<Self, T, N>;
    /// R^2 mod p: a residue times this is the residue's element.
    const R_SQUARED: Limbs<Self, T, N>;

    /// Powers of the generator.
    fn comb() -> &'static Comb<Self, T, N>;
    /// The limbs of a number.
    fn limbs(number: &U2048) -> Limbs<Self, T, N>;
    /// The number of these limbs modulo p, if below both 2^2048 and 2 p.
    fn number(limbs: &Limbs<Self, T, N>) -> U2048;
}

macro_rules! group {
    ($word:ty, $tile:literal, $tiles:literal) => {
        const _: () = {
            type Numbers = Limbs<$word, $tile, $tiles>;

            const BITS: u32 = <$word as Word>::BITS;
            const R_BITS: u32 = BITS * $tile * $tiles;
            const _: () = assert!(R_BITS >= 2072);

            /// What R is more than the R of the compiler's arithmetic.
            const MORE: Residue = Residue::new(&U2048::ONE.shl_vartime(R_BITS - U2048::BITS));

            const fn element(residue: &Residue) -> Numbers {
                limbs(residue.mul(&MORE).as_montgomery())
            }

            #[allow(clippy::cast_possible_truncation, reason = "no more than BITS bits")]
            const fn limbs(number: &U2048) -> Numbers {
                let mut limbs = [[0; $tile]; $tiles];
                let mut index = 0;
                while index < $tile * $tiles {
                    let limb = bits(number, index as u32 * BITS, BITS) as $word;
                    limbs[index / $tile][index % $tile] = limb;
                    index += 1;
                }
                limbs
            }

            static COMB: Comb<$word, $tile, $tiles> = {
                let mut comb = [[[[0; $tile]; $tiles]; 1 << generator::ROWS]; generator::BLOCKS];
                let mut block = 0;
                while block < generator::BLOCKS {
                    let mut index = 0;
                    while index < 1 << generator::ROWS {
                        comb[block][index] = element(&generator::PRODUCTS[block][index]);
                        index += 1;
                    }
                    block += 1;
                }
                comb
            };

            impl Group<$tile, $tiles> for $word {
                const PRIME: Numbers = limbs(PRIME);
                const ELEMENT_ONE: Numbers = element(&Residue::ONE);
                const R_SQUARED: Numbers = element(&Residue::new(MORE.as_montgomery()));

                fn comb() -> &'static Comb<Self, $tile, $tiles> {
                    &COMB
                }

                fn limbs(number: &U2048) -> Numbers {
                    limbs(number)
                }

                fn number(limbs: &Numbers) -> U2048 {
                    let mut number = Zeroizing::new(U2048::ZERO);
                    for limb in limbs.as_flattened().iter().rev() {
                        *number = number.shl_vartime(BITS) | U2048::from(*limb);
                    }
                    let (reduced, borrow) = number.borrowing_sub(PRIME, Limb::ZERO);
                    let reduced = Zeroizing::new(reduced);
                    number.ct_select(&reduced, borrow.is_zero())
                }
            }
        };
    };
}

#[cfg(any(test, target_pointer_width = "64", feature = "native"))]
group!(u64, 34, 1);
#[cfg(any(test, not(any(target_pointer_width = "64", feature = "native"))))]
group!(u32, 25, 3);

/// `len` bits of a number from bit `at` on; zero beyond its end.
#[allow(clippy::unnecessary_cast, reason = "words have 32 bits on some targets")]
const fn bits(number: &U2048, at: u32, len: u32) -> u64 {
    let words = number.as_words();
    let mut bits = 0;
    let mut got = 0;
    while got < len && at + got < U2048::BITS {
        let (word, from) = ((at + got) / BigWord::BITS, (at + got) % BigWord::BITS);
        bits |= (words[word as usize] as u64 >> from) << got;
        got += BigWord::BITS - from;
    }
    bits & (u64::MAX >> (64 - len))
}
