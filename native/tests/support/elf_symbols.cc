#include "tests/support/elf_symbols.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#if defined(__linux__)
#include <elf.h>

namespace msc::test {

std::set<std::string> exported_symbols(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto read = [&]<class T>(uint64_t offset, T& value) {
    if (offset + sizeof(T) > bytes.size()) {
      throw std::runtime_error(path + " is not a whole ELF file");
    }
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
  };
  Elf64_Ehdr header;
  read(0, header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    throw std::runtime_error(path + " is not an ELF file");
  }
  std::set<std::string> names;
  for (int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    read(header.e_shoff + static_cast<uint64_t>(i) * header.e_shentsize, section);
    if (section.sh_type != SHT_DYNSYM) {
      continue;
    }
    Elf64_Shdr strings;
    read(header.e_shoff + static_cast<uint64_t>(section.sh_link) * header.e_shentsize, strings);
    for (uint64_t offset = 0; offset + sizeof(Elf64_Sym) <= section.sh_size; offset += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      read(section.sh_offset + offset, symbol);
      const bool defined = symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS;
      const unsigned binding = ELF64_ST_BIND(symbol.st_info);
      if (defined && binding != STB_LOCAL) {
        names.insert(bytes.data() + strings.sh_offset + symbol.st_name);
      }
    }
  }
  return names;
}

}  // namespace msc::test
#endif
