#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::fd::OwnedFd;

use super::*;

const PID: u32 = 4711;
const OURS: Formats = Formats { newest: 2, oldest: 1 };

#[tokio::test]
async fn greeting_is_of_the_process_that_was_started_and_of_a_format_that_both_know() {
    for (newest, oldest, pid, expected) in [
        (2, 1, PID, Ok(2)),
        (3, 2, PID, Ok(2)),
        (1, 1, PID, Ok(1)),
        (
            4,
            3,
            PID,
            Err("reads versions 3 to 4 of the hand-over format, and this one writes 1 to 2"),
        ),
        (2, 1, PID + 1, Err("it has to use exec")),
    ] {
        let mut talk = Talk::start().await;
        let program = "9.9".to_owned();
        talk.says(&Message::Hello { newest, oldest, program, pid }).await;
        match (talk.ours.greeting(OURS).await, expected) {
            (Ok(greeting), Ok(format)) => assert_eq!(greeting.format, format),
            (Err(failed), Err(words)) => {
                assert!(failed.to_string().contains(words), "{failed}");
            }
            (greeting, _) => panic!("{greeting:?}"),
        }
    }
}

#[tokio::test]
async fn reason_that_it_gives_is_told_whoever_speaks_of_its_end_first() {
    let fault = Message::Fault { said: vec!["line 3: no such key".to_owned()] };
    let mut talk = Talk::start().await;
    talk.says(&fault).await;
    talk.ends("it has exited with status 1");
    assert_eq!(talk.ours.hear().await.unwrap_err().to_string(), "line 3: no such key");

    let mut talk = Talk::start().await;
    talk.says(&fault).await;
    drop(talk.theirs);
    let said = talk.ours.say(&Message::Commit, &[], &[]).await;
    assert_eq!(said.unwrap_err().to_string(), "line 3: no such key");
}

#[tokio::test]
async fn how_it_has_ended_is_told_if_it_gives_no_reason() {
    let mut talk = Talk::start().await;
    talk.ends("it was killed by signal 11");
    drop(talk.theirs);
    let words = talk.ours.hear().await.unwrap_err().to_string();
    assert!(words.ends_with("take over: it was killed by signal 11"), "{words}");
}

#[tokio::test]
async fn how_it_has_ended_is_told_when_it_is_left_on_its_own() {
    let words = "it was killed by signal 9";
    let Talk { ours, guardian, .. } = Talk::start().await;
    Guardian::tell_end(&guardian, words);
    drop(guardian);
    assert_eq!(ours.guardian.release().await.unwrap_err(), words);

    // The guardian has not read any more that it can go.
    let Talk { ours, guardian, .. } = Talk::start().await;
    let ends = async {
        tokio::task::yield_now().await;
        Guardian::tell_end(&guardian, words);
        drop(guardian);
    };
    let (released, ()) = tokio::join!(ours.guardian.release(), ends);
    assert_eq!(released.unwrap_err(), words);

    let Talk { ours, guardian, .. } = Talk::start().await;
    drop(guardian);
    ours.guardian.release().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_waited_for_and_neither_is_one_who_only_says_what_nobody_knows() {
    let mut talk = Talk::start().await;
    let began = Instant::now();
    assert!(matches!(talk.ours.hear().await, Err(Failed::Silent(PATIENCE))));
    assert!(began.elapsed() < PATIENCE + END_LIMIT);

    let Talk { mut ours, theirs, guardian: _guardian } = Talk::start().await;
    let began = Instant::now();
    let chatter = async {
        loop {
            theirs.send(&Message::Unknown, &[], &[]).await.unwrap();
            tokio::time::sleep(PATIENCE / 2).await;
        }
    };
    select! {
        () = chatter => {}
        heard = ours.hear() => assert!(matches!(heard, Err(Failed::Silent(_))), "{heard:?}"),
    }
    assert!(began.elapsed() > PATIENCE && began.elapsed() < START_LIMIT + END_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn connections_do_not_stand_still_for_one_who_only_says_what_nobody_knows() {
    let Talk { mut ours, theirs, guardian: _guardian } = Talk::start().await;
    let began = Instant::now();
    ours.hurry();
    let heard = select! {
        () = chat(&theirs) => unreachable!("it goes on for ever"),
        heard = ours.hear() => heard,
    };
    assert!(matches!(heard, Err(Failed::Late(PATIENCE))), "{heard:?}");
    assert!(began.elapsed() < PATIENCE + END_LIMIT);
    // Nor is there any patience left.
    let began = Instant::now();
    let never = std::future::pending::<Result<(), ChannelError>>();
    assert!(matches!(ours.during(never).await, Err(Failed::Late(PATIENCE))));
    assert!(began.elapsed() < END_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn last_words_have_an_end() {
    let Talk { mut ours, theirs, guardian } = Talk::start().await;
    Guardian::tell_end(&guardian, "it has exited with status 1");
    let began = Instant::now();
    let words = select! {
        () = chat(&theirs) => unreachable!("it goes on for ever"),
        words = ours.last_words() => words.to_string(),
    };
    assert!(words.ends_with("it has exited with status 1"), "{words}");
    assert!(began.elapsed() < END_LIMIT * 3);
}

/// Says what nobody knows, again and again.
async fn chat(theirs: &Channel) {
    loop {
        theirs.send(&Message::Unknown, &[], &[]).await.unwrap();
        tokio::time::sleep(END_LIMIT / 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_read_is_not_waited_for() {
    let mut talk = Talk::start().await;
    let failed = loop {
        if let Err(failed) = talk.ours.say(&Message::Commit, &[], &[b"secret"]).await {
            break failed;
        }
    };
    assert!(matches!(failed, Failed::Silent(PATIENCE)), "{failed}");
}

#[tokio::test]
async fn talk_out_of_turn_makes_no_sense() {
    let mut talk = Talk::start().await;
    talk.says(&Message::Serving).await;
    let never = std::future::pending::<Result<(), ChannelError>>();
    assert!(matches!(talk.ours.during(never).await, Err(Failed::Malformed)));
}

/// Both ends.
struct Talk {
    ours: Conversation,
    theirs: Channel,
    guardian: OwnedFd,
}

impl Talk {
    async fn start() -> Self {
        let (ours, theirs) = channel::pair().unwrap();
        let (guardian, end) = Guardian::of_test(PID).await;
        let channel = Arc::new(Channel::new(ours).unwrap());
        let theirs = Channel::new(theirs).unwrap();
        let ours = Conversation { channel, guardian, limit: None };
        Self { ours, theirs, guardian: end }
    }

    async fn says(&self, message: &Message) {
        self.theirs.send(message, &[], &[]).await.unwrap();
    }

    fn ends(&self, words: &str) {
        Guardian::tell_end(&self.guardian, words);
    }
}
