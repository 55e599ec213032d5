use super::{
    Algorithms::{International, Sm},
    *,
};

fn key(byte: u8) -> String {
    hex::encode([byte; 32])
}

fn crypto() -> Crypto {
    Crypto::parse(&key(7)).unwrap()
}

#[test]
fn what_is_sealed_opens_in_its_context_alone() {
    let crypto = crypto();
    let sealed = crypto.seal("person.phone", "138𠮷".as_bytes());
    assert_eq!(crypto.open_text("person.phone", &sealed).unwrap(), "138𠮷");
    assert_eq!(crypto.open("person.name", &sealed), Err(Broken));
    assert_ne!(sealed, crypto.seal("person.phone", "138𠮷".as_bytes()), "the nonce is random");
}

#[test]
fn every_altered_byte_and_every_truncation_is_noticed() {
    let crypto = crypto();
    let sealed = crypto.seal("c", b"value");
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert_eq!(crypto.open("c", &altered), Err(Broken), "byte {at}");
        assert_eq!(crypto.open("c", &sealed[..at]), Err(Broken), "length {at}");
    }
    assert_eq!(crypto.seal("c", b"").len(), 1 + NONCE_BYTES + 16);
}

#[test]
fn another_key_opens_nothing() {
    let sealed = crypto().seal("c", b"value");
    assert_eq!(Crypto::parse(&key(8)).unwrap().open("c", &sealed), Err(Broken));
}

#[test]
fn a_rotation_keeps_opening_and_finding() {
    let before = Crypto::parse(&format!("1:{}", key(7))).unwrap();
    let after = Crypto::parse(&format!("2:{}, 1:{}", key(9), key(7))).unwrap();
    let old = before.seal("c", b"value");
    assert_eq!(after.open("c", &old).unwrap(), b"value");
    assert_eq!(after.seal("c", b"value")[0], 2);
    assert_eq!(before.open("c", &after.seal("c", b"value")), Err(Broken));
    assert_eq!(before.index("c", b"value"), after.index("c", b"value"));
    assert_eq!(before.derive("x"), after.derive("x"));
}

#[test]
fn purposes_and_contexts_never_share_a_value() {
    let crypto = crypto();
    let values = [
        crypto.index("a", b"bc"),
        crypto.index("ab", b"c"),
        crypto.mac("a", b"bc"),
        crypto.mac("ab", b"c"),
        crypto.derive("index"),
        crypto.derive("mac"),
        crypto.derive("token"),
    ];
    for (at, value) in values.iter().enumerate() {
        assert!(!values[at + 1..].contains(value), "{at}");
    }
    assert_eq!(crypto.index("a", b"bc"), crypto.index("a", b"bc"));
}

#[test]
fn derivation_is_fixed_for_ever() {
    // HMAC(0x07 × 32, "zhixiang/1/index"), computed apart: stored indexes depend on it.
    for algorithms in [International, Sm] {
        let expected = hmac(algorithms, &[7; 32], &[b"zhixiang/1/index"]);
        assert_eq!(crypto().using(algorithms).derive("index"), expected);
    }
}

#[test]
fn a_mac_is_compared_whole() {
    let crypto = crypto();
    let mac = crypto.mac("query-code", b"ABCD2345");
    assert!(crypto.mac_matches("query-code", b"ABCD2345", &mac));
    assert!(!crypto.mac_matches("query-code", b"ABCD2346", &mac));
    assert!(!crypto.mac_matches("query-code", b"ABCD2345", &mac[..31]));
    assert!(!crypto.mac_matches("query-code", b"ABCD2345", b""));
}

#[test]
fn bad_keys_are_refused_by_name() {
    let read = |keys: &str| Crypto::parse(keys).err();
    assert_eq!(read(""), Some(BadKey::TooShort(1)));
    assert_eq!(read("!!"), Some(BadKey::Encoding(1)));
    assert_eq!(read(&hex::encode([1; 31])), Some(BadKey::TooShort(1)));
    assert_eq!(read(&format!("x:{}", key(1))), Some(BadKey::Id(1)));
    assert_eq!(read(&format!("1:{},1:{}", key(1), key(2))), Some(BadKey::Id(2)));
    assert_eq!(read(&format!("128:{}", key(1))), Some(BadKey::Id(1)), "the bit of the algorithm");
    assert_eq!(crypto().indexing_by(2).err(), Some(BadKey::NoIndexKey(2)));
    let base64 = STANDARD.encode([7; 32]);
    assert_eq!(Crypto::parse(&base64).unwrap().index("c", b"v"), crypto().index("c", b"v"));
}

#[test]
fn the_keys_never_print() {
    assert_eq!(format!("{:?}", crypto()), "Crypto { key_id: 1, .. }");
}

#[test]
fn sm3_and_sm4_are_what_the_standards_say() {
    // GB/T 32905-2016, appendix A.1 and A.2.
    let sm = crypto().using(Sm);
    for (text, digest) in [
        ("abc".to_owned(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        ("abcd".repeat(16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ] {
        assert_eq!(hex::encode(sm.digest(text.as_bytes())), digest);
    }
    // GB/T 32907-2016, appendix A.1.
    let key: [u8; 16] =
        hex::decode("0123456789abcdeffedcba9876543210").unwrap().try_into().unwrap();
    let mut block = aes_gcm::aes::Block::from(key);
    aes_gcm::aes::cipher::BlockCipherEncrypt::encrypt_block(&Sm4::new(&key.into()), &mut block);
    assert_eq!(hex::encode(block), "681edf34d206965e86b3e94f536e4246");
}

#[test]
fn sm4_gcm_is_the_one_of_rfc_8998() {
    // RFC 8998, appendix A.1.
    let unhex = |text: &str| hex::decode(text).unwrap();
    let key: [u8; 16] = unhex("0123456789abcdeffedcba9876543210").try_into().unwrap();
    let nonce: [u8; 12] = unhex("00001234567800000000abcd").try_into().unwrap();
    let aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain =
        ["aa", "bb", "cc", "dd", "ee", "ff", "ee", "aa"].map(|byte| byte.repeat(8)).concat();
    let expected = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
                    d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
                    83de3541e4c2b58177e065a9bf7b62ec";
    let sealed = Sm4Gcm::new(&key.into())
        .encrypt(&Nonce::from(nonce), Payload { msg: &unhex(&plain), aad: &aad })
        .unwrap();
    assert_eq!(hex::encode(sealed), expected);
}

#[test]
fn the_macs_are_the_published_ones() {
    // RFC 4231, test case 2, and the same by SM3.
    let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
    assert_eq!(
        hex::encode(hmac(International, b"Jefe", &parts)),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    // GM/T 0042-2015, appendix D.3, the first example.
    let key: Vec<u8> = (1..=32).collect();
    let text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".repeat(2);
    assert_eq!(
        hex::encode(hmac(Sm, &key, &[text.as_bytes()])),
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    );
}

#[test]
fn both_open_whatever_is_configured_and_say_what_sealed() {
    let (one, other) = (crypto(), crypto().using(Sm));
    let (aes, sm4) = (one.seal("c", b"value"), other.seal("c", b"value"));
    assert_eq!((aes[0], sm4[0], one.tag(), other.tag()), (1, 0x81, 1, 0x81));
    assert_eq!(aes.len(), sm4.len(), "files are read in pieces of one length");
    for crypto in [&one, &other] {
        assert_eq!(crypto.open("c", &aes).unwrap(), b"value");
        assert_eq!(crypto.open("c", &sm4).unwrap(), b"value");
        let mut turned = sm4.clone();
        turned[0] = 1;
        assert_eq!(crypto.open("c", &turned), Err(Broken), "another algorithm is another key");
    }
    assert_ne!(one.index("c", b"value"), other.index("c", b"value"));
    assert_ne!(one.digest(b"value"), other.digest(b"value"));
    assert_eq!(other.seal("c", b"").len(), 1 + NONCE_BYTES + 16);
}

#[test]
fn a_mac_outlives_a_rotation_and_a_change_of_algorithms() {
    let before = Crypto::parse(&format!("1:{}", key(7))).unwrap();
    let mac = before.mac("query-code", b"ABCD2345");
    let keys = format!("2:{},1:{}", key(9), key(7));
    let after = Crypto::parse(&keys).unwrap().indexing_by(2).unwrap().using(Sm);
    assert_ne!(after.mac("query-code", b"ABCD2345"), mac);
    assert!(after.mac_matches("query-code", b"ABCD2345", &mac));
    assert!(!after.mac_matches("query-code", b"ABCD2346", &mac));
    let dropped = Crypto::parse(&format!("2:{}", key(9))).unwrap().using(Sm);
    assert!(!dropped.mac_matches("query-code", b"ABCD2345", &mac), "its key is gone");
    assert_eq!(dropped.index("c", b"v"), after.index("c", b"v"), "the named key indexes");
}
