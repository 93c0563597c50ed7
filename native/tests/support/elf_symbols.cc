#include "tests/support/elf_symbols.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace msc::test {
namespace {

/// The sections of an ELF64 file; every read is checked against the file's size.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    header_ = at<Elf64_Ehdr>(0);
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) {
      throw std::runtime_error(path + " is not an ELF file");
    }
  }

  template <class T>
  T at(uint64_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) {
      throw std::runtime_error(path_ + " is not a whole ELF file");
    }
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

  Elf64_Shdr section(uint64_t index) const {
    return at<Elf64_Shdr>(header_.e_shoff + index * header_.e_shentsize);
  }

  /// A text of the string table that `owner` links to.
  std::string text(const Elf64_Shdr& owner, uint64_t offset) const {
    const uint64_t begin = section(owner.sh_link).sh_offset + offset;
    at<char>(begin);
    return bytes_.data() + begin;
  }

  /// Calls `visit` with each section of a type.
  void sections(uint32_t type, const std::function<void(const Elf64_Shdr&)>& visit) const {
    // Files with very many sections keep the count in section 0.
    const uint64_t count = header_.e_shnum != 0 ? header_.e_shnum : section(0).sh_size;
    for (uint64_t i = 0; i < count; ++i) {
      if (const Elf64_Shdr found = section(i); found.sh_type == type) {
        visit(found);
      }
    }
  }

  /// Calls `visit` with each entry of the tables of a section type.
  template <class Entry, class Visit>
  void entries(uint32_t type, Visit visit) const {
    sections(type, [&](const Elf64_Shdr& table) {
      for (uint64_t offset = 0; offset + sizeof(Entry) <= table.sh_size; offset += sizeof(Entry)) {
        visit(table, at<Entry>(table.sh_offset + offset));
      }
    });
  }

 private:
  std::string path_;
  std::vector<char> bytes_;
  Elf64_Ehdr header_;
};

}  // namespace

std::set<std::string> exported_symbols(const std::string& path) {
  const ElfFile file(path);
  std::set<std::string> names;
  file.entries<Elf64_Sym>(SHT_DYNSYM, [&](const Elf64_Shdr& table, const Elf64_Sym& symbol) {
    if (symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS && ELF64_ST_BIND(symbol.st_info) != STB_LOCAL) {
      names.insert(file.text(table, symbol.st_name));
    }
  });
  return names;
}

ObjectSymbols object_symbols(const std::string& path) {
  const ElfFile file(path);
  ObjectSymbols symbols;
  file.entries<Elf64_Sym>(SHT_SYMTAB, [&](const Elf64_Shdr& table, const Elf64_Sym& symbol) {
    const unsigned binding = ELF64_ST_BIND(symbol.st_info);
    if (binding == STB_LOCAL || symbol.st_name == 0) {
      return;
    }
    if (symbol.st_shndx == SHN_UNDEF) {
      symbols.undefined.insert(file.text(table, symbol.st_name));
    } else if (binding == STB_WEAK || binding == STB_GNU_UNIQUE) {
      symbols.weak.insert(file.text(table, symbol.st_name));
    }
  });
  return symbols;
}

std::set<std::string> needed_libraries(const std::string& path) {
  const ElfFile file(path);
  std::set<std::string> names;
  file.entries<Elf64_Dyn>(SHT_DYNAMIC, [&](const Elf64_Shdr& table, const Elf64_Dyn& entry) {
    if (entry.d_tag == DT_NEEDED) {
      names.insert(file.text(table, entry.d_un.d_val));
    }
  });
  return names;
}

std::set<std::string> needed_versions(const std::string& path) {
  const ElfFile file(path);
  std::set<std::string> names;
  file.sections(SHT_GNU_verneed, [&](const Elf64_Shdr& table) {
    uint64_t offset = table.sh_offset;
    for (uint64_t i = 0; i < table.sh_info; ++i) {
      const auto library = file.at<Elf64_Verneed>(offset);
      uint64_t inner = offset + library.vn_aux;
      for (unsigned j = 0; j < library.vn_cnt; ++j) {
        const auto version = file.at<Elf64_Vernaux>(inner);
        names.insert(file.text(table, version.vna_name));
        inner += version.vna_next;
      }
      offset += library.vn_next;
    }
  });
  return names;
}

}  // namespace msc::test
