//! Programs as text: the assembler, file tests, and raw programs.

use loader::raw::RawProgram;

/// What assembles is the same again when its listing is assembled; and the text as
/// a file test.
pub(super) fn assembler(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match isa::asm::assemble(text) {
        Ok(code) => super::code::look(&code),
        Err(error) => drop(error.to_string()),
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = crate::verify::filetest::FileTest::parse(text) {
        let _ = error.to_string();
    }
}

/// A line as a raw program.
pub(super) fn raw_program(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match RawProgram::parse(text, None) {
        Ok(raw) => {
            super::code::look(&isa::Code::new(raw.program.code.clone()));
            let _ = crate::generate::text(&raw);
        }
        Err(error) => drop(error.to_string()),
    }
}

/// Words of the assembler and of file tests.
pub(super) fn assembler_words() -> Vec<Vec<u8>> {
    words(
        "r0|w0|r10|exit|goto |gotol |if |call |callx |pc+|pc-|*(u64 *)|*(u8 *)|*(s32 *)|lock |\
         atomic_fetch_add|xchg|cmpxchg_64|bswap32|be16|le64|may_goto |s<|s>=|s>>=|s/=|s%=|(s8)|\
         (s32)| ll|map[fd:|map[idx:|map[|subprog[|.slot 0x|skb[|#1|@2|; type: |; map: |\
         ; expect: |; flags: |; message: |; stats: |; caps: |accepted|0x|load_acquire(|\
         store_release(",
    )
}

/// Names of the fields of a raw program.
pub(super) fn raw_program_words() -> Vec<Vec<u8>> {
    words(
        "\"type\"|\"insns\"|\"maps\"|\"flags\"|\"caps\"|\"attach_type\"|\"externs\"|\"btf\"|\
         \"func_info\"|\"line_info\"|\"license\"|\"name\"|\"kern_version\"|\"attach_target\"|\
         \"attach_btf_id\"|\"key_size\"|\"value_size\"|\"max_entries\"|\"inner\"|\"xdp\"|\"hash\"|\
         \"array\"|\"GPL\"|b700000000000000|9500000000000000|18110000|null|true|-1|4294967295",
    )
}

/// The words of a text, with bars between them.
pub(super) fn words(text: &str) -> Vec<Vec<u8>> {
    text.split('|')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}
