// flags: -g --target=x86_64-linux-gnu
// SPDX-License-Identifier: MIT OR Apache-2.0
// An ELF object, but for x86-64.
int wrong_machine(int n)
{
	return n + 1;
}
