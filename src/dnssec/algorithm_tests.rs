use super::*;

#[test]
fn supported_are_the_algorithms_of_today() {
    let supported = |algorithms: Algorithms| {
        let numbers = (0..=u8::MAX).filter(|number| algorithms.supports(Algorithm(*number)));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(supported(Algorithms::new(false)), [8, 10, 13, 14, 15, 16]);
    let old = [5, 7, 8, 10, 13, 14, 15, 16];
    assert_eq!(supported(Algorithms::new(true)), old);
    assert_eq!(supported(Algorithms::of_examples()), old);
    let digests = (0..=u8::MAX).filter(|n| Algorithms::new(false).supports_digest(DigestType(*n)));
    assert_eq!(digests.collect::<Vec<_>>(), [1, 2, 4]);
}
