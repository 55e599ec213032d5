use super::*;

#[test]
fn each_step_stands_in_its_table_once_and_a_machine_changes_no_decision() {
    use State::{Hidden, Pending, Shown, Waiting};
    for step in Step::ALL {
        assert_eq!(TRANSITIONS.iter().filter(|(one, ..)| one == step).count(), 1, "{step}");
        for state in State::ALL {
            let expected = match (step, state) {
                (Step::Pass, Pending) => Some(Shown),
                (Step::Flag, Pending) => Some(Hidden),
                (Step::Refer, Pending) => Some(Waiting),
                (Step::Show, Pending | Hidden | Waiting) => Some(Shown),
                (Step::Hide, Pending | Shown | Waiting) => Some(Hidden),
                _ => None,
            };
            assert_eq!(state.step(*step).ok(), expected, "{step} from {state}");
        }
    }
    assert!(State::ALL.iter().all(|state| state.shows() == (*state == Shown)));
}

#[test]
fn a_word_is_found_however_it_is_typed() {
    let rules =
        Rules { forbidden: vec!["坏 词".to_owned(), "BadWord".to_owned(), "…".to_owned()] };
    for (title, content, found) in [
        ("路灯坏了", "请修一下", false),
        ("坏词", "", true),
        ("", "这是坏，词！", true),
        ("", "b-a-d word", true),
        ("路灯坏", "词不达意", true),
        ("…", "……", false),
    ] {
        assert_eq!(rules.finds(title, content), found, "{title} {content}");
    }
    assert!(!Rules::default().finds("坏词", "坏词"));
}

#[test]
fn where_it_stands_at_first_follows_from_who_wrote_it() {
    for author in [Author::Staff, Author::Known, Author::Unknown] {
        assert_eq!(first(author, true), (State::Hidden, Reason::Word));
    }
    assert_eq!(first(Author::Staff, false).0, State::Shown);
    assert_eq!(first(Author::Known, false).0, State::Pending);
    assert_eq!(first(Author::Unknown, false).0, State::Waiting);
}

#[test]
fn a_decision_says_why() {
    let show = Decide::parse(true, " 没有问题 ").unwrap();
    assert_eq!((show.step, show.note.as_str()), (Step::Show, "没有问题"));
    assert_eq!(Decide::parse(false, "含有他人隐私").unwrap().step, Step::Hide);
    for bad in ["", " ", "短", &"长".repeat(201)] {
        assert!(Decide::parse(true, bad).is_err(), "{bad}");
    }
}
