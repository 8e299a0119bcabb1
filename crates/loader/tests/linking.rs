//! Linking: which functions a program gets, in which order, and what cannot be
//! linked.

mod common;

use common::{function_at, function_names, insns, open};
use isa::{CallTarget, Imm64, Insn};
use loader::Error;

/// Every call and callback of a program as (from slot, to function).
fn edges(program: &abi::Program) -> Vec<(usize, &str)> {
    let slots = insns(program).into_iter().enumerate();
    slots
        .filter_map(|(pc, insn)| {
            let offset = match insn {
                Insn::Call {
                    target: CallTarget::Local(offset),
                } => offset,
                Insn::LoadImm {
                    imm: Imm64::Function { offset },
                    ..
                } => offset,
                _ => return None,
            };
            Some((pc, function_at(program, pc as i64 + i64::from(offset) + 1)))
        })
        .collect()
}

#[test]
fn functions_follow_in_the_order_of_their_first_call() {
    let object = open("linking");
    let program = object.program("across").unwrap();
    assert_eq!(
        function_names(&program),
        ["across", "both", "seven", "square"]
    );
    let callees: Vec<_> = edges(&program).into_iter().map(|(_, to)| to).collect();
    assert_eq!(callees, ["both", "square", "seven", "square", "square"]);

    let program = object.program("across_too").unwrap();
    assert_eq!(function_names(&program), ["across_too", "seven", "square"]);
}

#[test]
fn a_program_may_call_another_one() {
    let program = open("linking").program("call_program").unwrap();
    assert_eq!(
        function_names(&program),
        ["call_program", "across_too", "seven", "square"]
    );
}

#[test]
fn callbacks_are_linked_and_may_name_themselves() {
    let program = open("linking").program("callbacks").unwrap();
    assert_eq!(
        function_names(&program),
        ["callbacks", "step", "square", "again"]
    );
    let again = edges(&program).into_iter().filter(|(_, to)| *to == "again");
    assert_eq!(again.count(), 2, "from the program and from itself");
}

#[test]
fn an_exception_callback_belongs_to_its_program() {
    let program = open("linking").program("thrower").unwrap();
    assert_eq!(function_names(&program), ["thrower", "catcher", "square"]);
    assert_eq!(edges(&program).len(), 1);
}

#[test]
fn lines_and_types_move_along() {
    let object = open("linking");
    let btf = object.btf().unwrap();
    let program = object.program("across").unwrap();
    let names: Vec<_> = program
        .func_info
        .iter()
        .map(|i| btf.name(i.type_id))
        .collect();
    assert_eq!(names, function_names(&program));
    let square = program.functions.last().unwrap();
    let line = program
        .line_info
        .iter()
        .find(|l| l.pc == square.start)
        .unwrap();
    assert_eq!(
        btf.str(line.line_off),
        Some("static __noinline SEC(\"subs\") int square(int x)")
    );
    let lines = |name: &str| object.program(name).unwrap().line_info.len();
    assert!(lines("across") > lines("across_too"));
}

#[test]
fn recursion_is_refused_with_the_circle() {
    let error = open("linking").program("circle").unwrap_err();
    let Error::Recursion { place, cycle } = &error else {
        panic!("{error}");
    };
    assert_eq!(cycle, &["even", "odd", "even"]);
    assert_eq!(
        (place.section.as_str(), place.symbol.as_deref()),
        (".text", Some("odd"))
    );
}

#[test]
fn what_is_missing_is_named() {
    let object = open("linking");
    let error = object.program("missing_function").unwrap_err();
    assert!(
        matches!(&error, Error::Undefined { symbol, .. } if symbol == "nowhere"),
        "{error}"
    );
    let error = object.program("missing_variable").unwrap_err().to_string();
    assert!(
        error.contains("(in 'missing_variable')") && error.contains("'no_variable'"),
        "{error}"
    );
    assert!(object.programs().is_err());
}

#[test]
fn static_functions_that_nobody_calls_are_programs() {
    let object = open("linking");
    let names: Vec<_> = object.entries().iter().map(|e| e.name.as_str()).collect();
    assert!(names.contains(&"not_global"));
    assert!(!names.contains(&"square") && !names.contains(&"seven"));
    assert_eq!(object.program("not_global").unwrap().code.len(), 2);
    assert!(matches!(
        object.program("strange"),
        Err(Error::ProgramType { .. })
    ));
}

#[test]
fn in_an_object_with_nothing_but_text_programs_are_what_nobody_calls() {
    let object = open("text_only");
    let names: Vec<_> = object.entries().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["program"]);
}
