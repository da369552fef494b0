"""Every code that a problem of a receipt may have: what it means, which status it comes with, and what a sender does about it.

The codes themselves stand where the problems are made. A test reads them from the sources, and fails for a code that has no
entry here, or an entry that no source makes any more.
"""

from typing import Final, Literal, NamedTuple

Speaker = Literal["form", "sender", "record", "rules", "broker", "http"]


class ProblemCode(NamedTuple):
    """One code: who says it, what it means, what to do."""

    speaker: Speaker
    meaning: str
    remedy: str


SPEAKERS: Final[dict[Speaker, tuple[str, str]]] = {
    "form": (
        "The form of the message",
        "`invalid`: the id is not used. Correct the message and send it again under the same id.",
    ),
    "sender": (
        "The check of senders",
        "`refused`, but the id is not used: who may send is a setting, which may change. See [senders](senders.md).",
    ),
    "record": ("The record", "Found when the message is compared with what is recorded."),
    "rules": (
        "The rules",
        "`refused`: the id is used. Sent again, the message is a `duplicate`; send a corrected one under a new id.",
    ),
    "http": (
        "The way over HTTP",
        "In problem details, and where a message was read in its receipt too. No id is used and nothing of it is recorded.",
    ),
    "broker": ("The way over Kafka", "`dead_lettered`, or an addition to a receipt. The id is not used."),
}

CODES: Final[dict[str, ProblemCode]] = {
    # --- form
    "bad_json": ProblemCode("form", "The bytes are not one JSON value.", "Send one JSON object in UTF-8, on one line in a file."),
    "bad_utf8": ProblemCode("form", "The bytes are not UTF-8.", "Write the message as UTF-8."),
    "not_an_object": ProblemCode("form", "The JSON is a list, a text or a number.", "Send one object with the fields of a CloudEvent."),
    "bad_character": ProblemCode("form", "A text has NUL or an unpaired surrogate.", "Remove the character from the named field."),
    "bad_value": ProblemCode(
        "form",
        "A value has the wrong type, form or size, or a number needs more than 64 bits.",
        "The message says what was expected in the named field.",
    ),
    "bad_id": ProblemCode(
        "form",
        "An id has other characters than letters, digits, dots, underscores and hyphens, or is empty or too long.",
        "Use an opaque id. Names and addresses do not belong in ids.",
    ),
    "naive_time": ProblemCode("form", "A time has no offset.", "Add `Z` or an offset such as `+01:00`."),
    "missing": ProblemCode("form", "A field that must be there is not.", "Add the named field."),
    "unknown_field": ProblemCode(
        "form",
        "A field is not one of the command's, or an attribute looks like a known one written wrong.",
        "Use the name that the problem suggests, or remove the field.",
    ),
    "unknown_type": ProblemCode("form", "`type` names no command.", "Use `rapport.` and a command of [messages](messages.md)."),
    "duplicate_key": ProblemCode("form", "A name stands twice in one object, or the data is there in two forms.", "Send it once."),
    "too_deep": ProblemCode("form", "Objects and lists are nested too deep.", "See [limits](limits.md)."),
    "too_many": ProblemCode("form", "A list has too many entries.", "Send several messages; see [limits](limits.md)."),
    "more": ProblemCode(
        "form", "The message has more problems than a receipt lists.", "Correct those that are listed, and send it again."
    ),
    "too_large": ProblemCode("form", "The message has too many bytes.", "See [limits](limits.md). Leave out or shorten texts."),
    "future_time": ProblemCode(
        "form", "`time` is ahead of Rapport's clock.", "Check the clock of the sender; a message tells what has happened."
    ),
    "internal": ProblemCode(
        "form",
        "Rapport itself failed on this message. Nothing was recorded of it.",
        "Send the same message again later. Tell the people who run Rapport the digest in the problem: the log has it.",
    ),
    # --- encrypted data, on Kafka
    "not_encrypted": ProblemCode(
        "form",
        "Data came in the clear, and `RAPPORT_KAFKA_ENCRYPTED` takes encrypted data alone.",
        "[Encrypt it](../how-to/encrypt-on-kafka.md) to the store's key.",
    ),
    "unknown_key": ProblemCode(
        "form",
        "Data is encrypted to a key that this store does not have.",
        "Encrypt to the key that `rapport keys show --public` prints, and name its `kid`.",
    ),
    "another_message": ProblemCode(
        "form",
        "Data was encrypted for another message.",
        "Name this message's source, id and subject in the header of the data: `iss`, `jti`, `sub`.",
    ),
    "not_opened": ProblemCode(
        "form", "Encrypted data can't be opened, or holds no JSON.", "[Encrypt](../how-to/encrypt-on-kafka.md) JSON as the page says."
    ),
    # --- sender
    "reserved": ProblemCode(
        "sender",
        "The source, the role or the case id is kept for Rapport's own workers.",
        "Use a source of your own outside `/workers/`, and a role of a person or service.",
    ),
    "sender": ProblemCode(
        "sender",
        "`RAPPORT_SENDERS` does not let this source send for this role or programme.",
        "Have the source, role or programme added to the file.",
    ),
    "proof": ProblemCode(
        "sender",
        "The source has a key, and `proof` is missing or does not fit the message.",
        "[Sign the message](../how-to/prove-who-sends.md) with the source's key.",
    ),
    # --- record
    "id_reused": ProblemCode(
        "record",
        "`invalid`: another message was sent under this source and id. That one stands.",
        "Send this one under a new id.",
    ),
    "version": ProblemCode(
        "record",
        "`conflict`: the subject's last event has another version than `expectedversion`. The id is used.",
        "Read the subject again, decide again, and send under a new id.",
    ),
    "unreadable": ProblemCode(
        "record",
        "`invalid`: the record of this subject can't be read. Nothing was recorded.",
        "Tell the people who run Rapport; `rapport audit verify` says where it is damaged. Send the same message again afterwards.",
    ),
    "not_recorded": ProblemCode(
        "broker",
        "Nothing was recorded of the message, and a restart lost the reason.",
        "Send the same message again.",
    ),
    "unreadable_record": ProblemCode(
        "broker",
        "A record or a batch on the topic is damaged or has no form that Kafka knows.",
        "Send the message again; `rapport dead-letters show` names the offsets that were skipped.",
    ),
    # --- rules
    "role": ProblemCode("rules", "This role may not send this command.", "[Messages](messages.md) lists the roles of each command."),
    "actor": ProblemCode(
        "rules",
        "The actor is not the person whom the subject names for this role, or it names nobody for it.",
        "Send as the person named; or see who is named with `rapport show`.",
    ),
    "state": ProblemCode(
        "rules",
        "The command is not possible in the present state of its subject.",
        "The problem says in which states it is. `rapport show` lists what is allowed now.",
    ),
    "gate": ProblemCode(
        "rules",
        "A code asks for something before the relationship may become active, one problem for each clause.",
        "Record what is missing, then activate again.",
    ),
    "mentor_standing": ProblemCode("rules", "The mentor is suspended or removed.", "Reinstate the mentor, or propose another one."),
    "same_person": ProblemCode(
        "rules", "One person would have two parts that exclude each other, such as mentee and mentor.", "Name another person."
    ),
    "agreed_by": ProblemCode("rules", "Not both parties agreed.", "Name mentee and mentor in `agreed_by`, once both agree."),
    "channel": ProblemCode("rules", "An adopted code does not allow this channel.", "Choose one that the problem names."),
    "evidence": ProblemCode("rules", "`evidence` names a version that the subject does not have.", "Name versions of recorded events."),
    "assessment_exists": ProblemCode("rules", "An assessment with this id was recorded with another content.", "Use a new id, or send CorrectFact."),
    "compromising": ProblemCode(
        "rules",
        "A friendship, family or sexual relationship can't be mitigated. As a finding: the correction of such a declaration.",
        "End the relationship instead.",
    ),
    "in_past": ProblemCode("rules", "A day that must be to come is past, in the programme's time zone.", "Name a day after that of the message's `time`."),
    "own_matter": ProblemCode(
        "rules",
        "The actor would settle a matter about themselves, or one that they may not settle alone.",
        "Leave it to those whom the problem names: the other party, or somebody else of the office.",
    ),
    "unknown_assessment": ProblemCode("rules", "The relationship has no assessment with this id.", "Send RecordAssessment first, or leave the field out."),
    "goal_exists": ProblemCode("rules", "A goal with this id was agreed in other words.", "Send ReviseGoal, or use a new id."),
    "goal_state": ProblemCode("rules", "The goal was dropped or achieved.", "Agree a new goal."),
    "homework_exists": ProblemCode("rules", "Homework with this id was assigned before.", "Use a new id."),
    "session_exists": ProblemCode("rules", "A session with this id was scheduled before.", "Send RescheduleSession, or use a new id."),
    "session_state": ProblemCode("rules", "The session is over: completed, missed or cancelled.", "Name a scheduled session. Where what is recorded of it is wrong, send CorrectFact or ContestFact."),
    "session_started": ProblemCode("rules", "The session had begun by the message's `time`.", "Record what became of it: send CompleteSession or RecordNoShow."),
    "not_started": ProblemCode("rules", "What became of a session is told before its start.", "Send it after the start, or first send RescheduleSession to the time at which it took place."),
    "nobody_absent": ProblemCode("rules", "`absent` names neither mentee nor mentor.", "Name who stayed away; without anybody else the session took place."),
    "not_a_participant": ProblemCode(
        "rules", "The field names a role that nobody takes part in the mentoring in, such as a service.", "Name who took part, or whom it is against."
    ),
    "on_behalf_of": ProblemCode("rules", "`on_behalf_of` names somebody who takes no part in the relationship.", "Name the party who asked for it, or leave it out."),
    "unknown_question": ProblemCode("rules", "The adopted codes ask no question about this clause.", "`rapport codes show` lists the questions of each code."),
    "not_agreed": ProblemCode("rules", "No reporting was agreed with this audience.", "Send AgreeReporting first."),
    "no_request": ProblemCode("rules", "`request` is not the version of a request to erase this person.", "Send RequestErasure, then name its version."),
    "legal_hold": ProblemCode("rules", "A legal hold stands against the erasure of this person.", "The office lifts it by RequestErasure with the basis legal_duty and no legal_hold."),
    "overlap": ProblemCode("rules", "Another session takes place at that time.", "Choose another time, or move the other session."),
    "in_future": ProblemCode("rules", "What is said to have taken place lies in the future: a session or its end, a conversation, a check, a training, a report's period.", "Send it afterwards."),
    "not_present": ProblemCode("rules", "Mentee or mentor was not there, or somebody joined who is not among those present.", "Send RecordNoShow where a party stayed away; else add the role to `present`."),
    "no_consent": ProblemCode("rules", "The consent that this needs is not in force.", "Have the person send GrantConsent first."),
    "private_topic": ProblemCode("rules", "The text touches a topic that the mentee keeps private.", "Leave it out, or let the mentee send OpenTopic."),
    "not_private": ProblemCode("rules", "The topic is not private, so it can't be opened.", "Nothing: it is open."),
    "not_informed": ProblemCode("rules", "A party has not been informed.", "Inform both, and name them in `informed`."),
    "no_next_steps": ProblemCode("rules", "The next steps are blank.", "Say what happens next in `next_steps`."),
    "not_an_exception": ProblemCode(
        "rules", "No adopted code knows this exception to confidentiality.", "Name the exception that applies, if there is one."
    ),
    "recipient": ProblemCode(
        "rules", "Under this exception it may not be told to this recipient, or the recipient is the actor.", "The problem lists who may be told."
    ),
    "not_a_mentor": ProblemCode(
        "rules", "A case that is not about one mentor can't end in a mentor's removal.", "Decide `other_measure`."
    ),
    "occasion": ProblemCode("rules", "After the end only the occasion `end` is left.", "Send it with `end`."),
    "nothing_open": ProblemCode(
        "rules", "What the command would settle is not open.", "Nothing, if it was settled before; else check the clause or nature."
    ),
    "already_created": ProblemCode("rules", "The programme exists with another name or time zone.", "Use a new id."),
    "already_registered": ProblemCode("rules", "The person is registered with other details.", "Send `CorrectPerson`."),
    "already_opened": ProblemCode("rules", "Another case was opened under this id.", "Use a new id."),
    "already_decided": ProblemCode("rules", "The case was decided otherwise.", "Open a new case."),
    "undecided": ProblemCode("rules", "A case without a decision closes only with a reason.", "Give `reason`, or decide first."),
    "unknown_case": ProblemCode("rules", "No case was opened under this id.", "Send OpenCase first."),
    "unknown_clause": ProblemCode(
        "rules",
        "No code has this clause, or the relationship is not under that code.",
        "The message says which codes are in force; `rapport codes list` shows their clauses.",
    ),
    "unknown_fact": ProblemCode("rules", "The relationship has no event of this version.", "`rapport history` shows the versions."),
    "not_correctable": ProblemCode(
        "rules", "The fact, or this part of it, is not of those that are corrected.", "Tell what holds now by the command for it."
    ),
    "still_relied_on": ProblemCode(
        "rules", "Later facts would not have been possible after the corrected one.", "Correct or void those first; the message names their versions."
    ),
    "unknown_goal": ProblemCode("rules", "The relationship has no goal with this id.", "Send AgreeGoal first."),
    "unknown_homework": ProblemCode("rules", "No homework with this id was assigned.", "Send AssignHomework first."),
    "unknown_person": ProblemCode("rules", "The relationship does not name this person.", "Name one whom it does."),
    "unknown_relationship": ProblemCode("rules", "No relationship was proposed under this id.", "Send ProposeRelationship first."),
    "unknown_session": ProblemCode("rules", "The relationship has no session with this id.", "Send ScheduleSession first."),
    "unknown_term": ProblemCode("rules", "There is no such term.", "Use the name that the problem suggests; [limits](limits.md) lists all."),
    "term_value": ProblemCode(
        "rules",
        "The value is outside the term's range, or would put the bands out of order.",
        "[Limits](limits.md) lists the ranges. Set bands one after the other so that they stay in order.",
    ),
    # --- HTTP
    "token": ProblemCode("http", "401: there is no token, or it is not valid.", "Get a token as your identity provider says, and send it as `Authorization: Bearer TOKEN`."),
    "keys_not_reached": ProblemCode("http", "503: the keys that sign tokens can't be read now.", "Send the same request again later."),
    "public_url": ProblemCode(
        "http", "503: nobody said at which address people reach the pages, so nobody can sign in at an issuer.", "Set `RAPPORT_PUBLIC_URL`."
    ),
    "not_the_caller": ProblemCode(
        "http", "403: the actor is neither the caller in one of their roles nor in a role that the token acts for.", "Send what the caller does, or ask for a token with `acts_for`."
    ),
    "programme": ProblemCode(
        "http",
        "404, or 403 where the message names the programme: the subject is not of a programme that the token covers. A subject that does not exist is answered alike.",
        "Correct the subject, or ask for a token that covers its programme.",
    ),
    "not_found": ProblemCode("http", "404: there is nothing here that the caller may know of.", "Correct the id or the path."),
    "no_report": ProblemCode("http", "403: no report to this recipient was agreed.", "Send AgreeReporting first."),
    "not_acceptable": ProblemCode("http", "406: the answer has no form that `Accept` takes.", "Accept one of the forms that the problem lists."),
    "not_an_array": ProblemCode("http", "400: a batch is a JSON array of CloudEvents.", "Send one message as `application/cloudevents+json`."),
    "unsupported_media_type": ProblemCode("http", "415: the body's content type or compression is not taken.", "Send one of the content types that the problem lists."),
    "unknown_parameter": ProblemCode("http", "400: the call has no such query parameter.", "Correct its name; the problem says what it may have meant."),
    "duplicate_parameter": ProblemCode("http", "400: a query parameter with one value is there twice.", "Send it once."),
    "slow_body": ProblemCode("http", "408: the body did not come on in time.", "Send the request again. Lines that came before are recorded, and come back as duplicates."),
    "incomplete_body": ProblemCode(
        "http", "400: the client sent no more before all of the body had come.", "Send the request again. Lines that came whole are recorded, and come back as duplicates."
    ),
    "slow_head": ProblemCode("http", "408: the head of the request did not come in time, or no request came. The connection is closed.", "Send the request again."),
    "head_too_large": ProblemCode(
        "http", "431: the head of the request has too many bytes or fields, with those after the body. The connection is closed.", "Send fewer and shorter headers, or a shorter URL; [limits](limits.md) says how many."
    ),
    "bad_http": ProblemCode(
        "http", "400: the request is no HTTP, or can be read in more than one way. The connection is closed.", "Send it with a library for HTTP. Lines that came before may be recorded; they come back as duplicates."
    ),
    "method_not_allowed": ProblemCode("http", "405: the path does not take this method.", "Use one of the methods in `Allow`."),
    "not_visible_yet": ProblemCode("http", "503: the record has not grown to the position in `after` within 5 s.", "Ask again after the seconds in `Retry-After`."),
    "too_many_requests": ProblemCode("http", "429: the token makes more requests than are allowed.", "Wait for the seconds in `Retry-After`."),
    "overloaded": ProblemCode("http", "503: too many messages are waiting.", "Send the same request again after the seconds in `Retry-After`."),
    "stopping": ProblemCode("http", "503: the server is stopping.", "Send the same request to another one, or again later."),
    "store": ProblemCode("http", "503: the store can't answer now.", "Send the same request again after the seconds in `Retry-After`."),
}  # fmt: skip
