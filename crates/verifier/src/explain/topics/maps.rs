//! Maps and what lies in their values.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "map-read-only",
        title: "the map may not be written by programs",
        missing: "A map without BPF_F_RDONLY_PROG.",
        advice: "Constants live in .rodata, which nobody can change at run time: drop the \
         `const` if the program is to write the variable, so that it moves to .data.",
        long: "Maps made with BPF_F_RDONLY_PROG, which is how loaders make `.rodata`, are \
         constants to programs. Linux relies on it: it takes values of frozen read-only \
         maps as known numbers.",
        example: example!("map-read-only"),
    },
    Topic {
        code: "map-write-only",
        title: "the map may not be read by programs",
        missing: "A map without BPF_F_WRONLY_PROG.",
        advice: "Create the map without the flag, or read it from user space.",
        long: "BPF_F_WRONLY_PROG makes a map that programs may fill and may not look at.",
        example: example!("map-write-only"),
    },
    Topic {
        code: "special-field",
        title: "a field that only the kernel may touch is accessed directly",
        missing: "The helper or kernel function that is made for the field.",
        advice: "Use bpf_spin_lock, bpf_timer_init and their like, and copy the other fields of \
         the value one by one: a copy of the whole struct would include this one.",
        long: "A lock, timer, work item, list, tree or kernel pointer inside a map value \
         belongs to the kernel. Loads and stores that overlap it are refused, also \
         those of a struct assignment.",
        example: example!("special-field"),
    },
    Topic {
        code: "map-object",
        title: "a map itself is accessed as if it were its contents",
        missing: "A look-up: bpf_map_lookup_elem gives a pointer to a value.",
        advice: "Call bpf_map_lookup_elem with the map and a key, test the result for NULL and \
         use that.",
        long: "The address of a map in C is a handle for helpers. What is behind it is the \
         kernel's own structure, of which programs with the right privileges may read a \
         few fields and write none.",
        example: example!("map-object"),
    },
    Topic {
        code: "key-read-only",
        title: "the key of a map's element is written in a callback",
        missing: "A copy: keys belong to the map.",
        advice: "Copy the key to the stack and change the copy; to give an element another key, \
         delete it and insert a new one.",
        long: "bpf_for_each_map_elem hands its callback pointers to the key and the value of \
         each element. The value may be changed; a changed key would make the element \
         unfindable.",
        example: example!("key-read-only"),
    },
    Topic {
        code: "no-map",
        title: "a reference to a map that there is not",
        missing: "A map that is created before the program is loaded.",
        advice: "Let a loader create the maps and put their descriptors in place. `fd 0` \
         usually means that the relocation was never done.",
        long: "In the file a reference to a map is a relocation; at load it must be a \
         descriptor that is open in the loading process.",
        example: example!("no-map"),
    },
    Topic {
        code: "no-direct-value",
        title: "values of this map have no fixed address",
        missing: "An array map.",
        advice: "Use a look-up. Global variables live in array maps of one element.",
        long: "Only arrays keep their values where they are for their whole life, so only \
         there can an address of a value stand in an instruction.",
        example: example!("no-direct-value"),
    },
    Topic {
        code: "direct-value",
        title: "an address in a map's value lies outside of the value",
        missing: "An offset below the size of the value, in a map of one element.",
        advice: "Check the size of the section and the definition of the map.",
        long: "An instruction can hold the address of a byte in the value of an array. The \
         byte must be inside, and the array may have one element only.",
        example: example!("direct-value"),
    },
    Topic {
        code: "map-use",
        title: "programs of this type may not use a map like this",
        missing: "Another map, or another program type.",
        advice: "Locks, timers and work items in map values are for networking and similar \
         programs, not for tracing and socket filters.",
        long: "A map can hold what not every program may touch. A tracing program may \
         interrupt the very code that holds the lock.",
        example: example!("map-use"),
    },
    Topic {
        code: "helper-map-read-only",
        title: "this helper would write into a map that programs may not write",
        missing: "A map that may be written, or an update from user space.",
        advice: "Device maps and their like are filled by user space.",
        long: "Elements of some maps are descriptors that only a process can have.",
        example: example!("helper-map-read-only"),
    },
    Topic {
        code: "helper-sockmap-update",
        title: "programs of this type may not update a map of sockets",
        missing: "A sock_ops or similar program.",
        advice: "Update the map where sockets change state.",
        long: "Sockets may be put into maps only from where the kernel holds them safely.",
        example: None,
    },
    Topic {
        code: "sleepable-map",
        title: "sleepable programs may not use this kind of map",
        missing: "An array, hash, ring buffer or local storage map.",
        advice: "Use another map type.",
        long: "The other types rely on the program not to wait.",
        example: None,
    },
    Topic {
        code: "too-many-maps",
        title: "more than 64 different maps",
        missing: "At most 64 maps in a program.",
        advice: "Merge maps, or use a map of maps.",
        long: "Each map of a program is kept alive by it, in a table of 64 entries.",
        example: None,
    },
];
