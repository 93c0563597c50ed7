using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Moesaic.Bindings.Generator.Clang;

/// <summary>One parsed C header. The standard headers are supplied from memory, so that the result depends on
/// nothing installed but libclang itself.</summary>
internal sealed unsafe class TranslationUnit : IDisposable
{
    private const uint DetailedPreprocessingRecord = 0x01;
    private const int SeverityWarning = 2;

    private static readonly Dictionary<string, string> StandardHeaders = new()
    {
        ["stddef.h"] =
            """
            #pragma once
            typedef __SIZE_TYPE__ size_t;
            #define NULL ((void*)0)

            """,
        ["stdint.h"] =
            """
            #pragma once
            typedef __INT8_TYPE__ int8_t;
            typedef __INT16_TYPE__ int16_t;
            typedef __INT32_TYPE__ int32_t;
            typedef __INT64_TYPE__ int64_t;
            typedef __UINT8_TYPE__ uint8_t;
            typedef __UINT16_TYPE__ uint16_t;
            typedef __UINT32_TYPE__ uint32_t;
            typedef __UINT64_TYPE__ uint64_t;
            typedef __INTPTR_TYPE__ intptr_t;
            typedef __UINTPTR_TYPE__ uintptr_t;

            """,
    };

    private void* _index;
    private void* _unit;

    private TranslationUnit(void* index, void* unit)
    {
        _index = index;
        _unit = unit;
    }

    /// <summary>Parses <paramref name="path"/> as C11 for 64-bit Linux; includes resolve against <paramref name="includeFolder"/>.</summary>
    /// <exception cref="GeneratorException">libclang reports a warning or an error.</exception>
    public static TranslationUnit Parse(string path, string includeFolder)
    {
        string systemFolder = Path.Combine(Path.GetFullPath(includeFolder), "moesaic-standard-headers");
        string[] arguments =
        [
            "-x", "c", "-std=c11", "-target", "x86_64-unknown-linux-gnu", "-nostdinc", "-Wall", "-Wno-pragma-once-outside-header",
            "-I", Path.GetFullPath(includeFolder), "-isystem", systemFolder,
        ];
        using Utf8Block memory = new();
        byte** argumentPointers = stackalloc byte*[arguments.Length];
        for (int i = 0; i < arguments.Length; i++)
        {
            argumentPointers[i] = memory.Add(arguments[i]);
        }

        ClangUnsavedFile* files = stackalloc ClangUnsavedFile[StandardHeaders.Count];
        uint numFiles = 0;
        foreach ((string name, string text) in StandardHeaders)
        {
            files[numFiles++] = new ClangUnsavedFile
            {
                FileName = memory.Add(Path.Combine(systemFolder, name)),
                Contents = memory.Add(text),
                Length = (nuint)Encoding.UTF8.GetByteCount(text),
            };
        }

        void* index = LibClang.clang_createIndex(0, 0);
        void* unit = null;
        int error = LibClang.clang_parseTranslationUnit2(
            index, memory.Add(path), argumentPointers, arguments.Length, files, numFiles, DetailedPreprocessingRecord, &unit);
        TranslationUnit result = new(index, unit);
        try
        {
            if (error != 0 || unit is null)
            {
                throw new GeneratorException($"libclang cannot read {path} (error {error}).");
            }

            result.ThrowOnDiagnostics(path);
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>The declarations and macros written in the header itself, in source order.</summary>
    public IReadOnlyList<Cursor> Declarations() =>
        [.. Children(LibClang.clang_getTranslationUnitCursor(_unit)).Where(c => c.IsInMainFile).OrderBy(c => c.Offset)];

    /// <summary>The direct children of a declaration, in source order.</summary>
    public IReadOnlyList<Cursor> Children(ClangCursor parent)
    {
        List<Cursor> children = [];
        GCHandle handle = GCHandle.Alloc((this, children));
        try
        {
            _ = LibClang.clang_visitChildren(parent, &Collect, (void*)GCHandle.ToIntPtr(handle));
        }
        finally
        {
            handle.Free();
        }

        return children;
    }

    /// <summary>Kind, spelling and last line of every token in a declaration's extent.</summary>
    public IReadOnlyList<(TokenKind Kind, string Text, uint EndLine)> Tokens(ClangCursor cursor)
    {
        ClangToken* tokens = null;
        uint numTokens = 0;
        LibClang.clang_tokenize(_unit, LibClang.clang_getCursorExtent(cursor), &tokens, &numTokens);
        List<(TokenKind, string, uint)> result = [];
        for (uint i = 0; i < numTokens; i++)
        {
            uint line;
            LibClang.clang_getSpellingLocation(
                LibClang.clang_getRangeEnd(LibClang.clang_getTokenExtent(_unit, tokens[i])), null, &line, null, null);
            result.Add((LibClang.clang_getTokenKind(tokens[i]), LibClang.Take(LibClang.clang_getTokenSpelling(_unit, tokens[i])), line));
        }

        LibClang.clang_disposeTokens(_unit, tokens, numTokens);
        return result;
    }

    /// <summary>Doc comments (/** */) by the line they end on: libclang does not attach them to macros.</summary>
    public IReadOnlyDictionary<uint, string> DocCommentsByEndLine() =>
        Tokens(LibClang.clang_getTranslationUnitCursor(_unit))
            .Where(t => t.Kind == TokenKind.Comment && t.Text.StartsWith("/**", StringComparison.Ordinal))
            .ToDictionary(t => t.EndLine, t => t.Text);

    public void Dispose()
    {
        if (_unit is not null)
        {
            LibClang.clang_disposeTranslationUnit(_unit);
            _unit = null;
        }

        if (_index is not null)
        {
            LibClang.clang_disposeIndex(_index);
            _index = null;
        }
    }

    [UnmanagedCallersOnly]
    private static int Collect(ClangCursor cursor, ClangCursor parent, void* data)
    {
        const int visitContinue = 1;
        var (unit, children) = ((TranslationUnit, List<Cursor>))GCHandle.FromIntPtr((nint)data).Target!;
        children.Add(new Cursor(unit, cursor));
        return visitContinue;
    }

    private void ThrowOnDiagnostics(string path)
    {
        StringBuilder text = new();
        for (uint i = 0; i < LibClang.clang_getNumDiagnostics(_unit); i++)
        {
            void* diagnostic = LibClang.clang_getDiagnostic(_unit, i);
            if (LibClang.clang_getDiagnosticSeverity(diagnostic) >= SeverityWarning)
            {
                const uint showSourceLocationAndColumn = 0x03;
                text.AppendLine().Append("  ").Append(LibClang.Take(LibClang.clang_formatDiagnostic(diagnostic, showSourceLocationAndColumn)));
            }

            LibClang.clang_disposeDiagnostic(diagnostic);
        }

        if (text.Length > 0)
        {
            throw new GeneratorException($"{path} does not compile cleanly as C11:{text}");
        }
    }

    /// <summary>NUL-terminated UTF-8 copies that live until disposal.</summary>
    private sealed class Utf8Block : IDisposable
    {
        private readonly List<nint> _blocks = [];

        public byte* Add(string text)
        {
            nint block = Marshal.StringToCoTaskMemUTF8(text);
            _blocks.Add(block);
            return (byte*)block;
        }

        public void Dispose() => _blocks.ForEach(Marshal.FreeCoTaskMem);
    }
}
