#!/usr/bin/env pwsh
# The same verbs as build.sh, for Windows. Needs CMake, Ninja, a C++20 compiler and the .NET 10 SDK on PATH.
# Never run where it was written (no PowerShell there); a test keeps its verbs in step with build.sh.
$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot
$programVerbs = 'generate', 'chat', 'score', 'embed', 'tokenize', 'detokenize', 'template', 'inspect', 'bench', 'bench-serve', 'serve', 'pull', 'quantize', 'doctor'
$scriptVerbs = 'help', 'deps', 'build', 'test', 'perf-gate', 'publish', 'pack', 'clean'

function Invoke-Checked([scriptblock] $command) {
    & $command
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Build-Program {
    Push-Location $root
    try {
        Invoke-Checked { cmake --preset release -DMSC_BUILD_TESTS=OFF -DMSC_BUILD_BENCH=OFF }
        Invoke-Checked { cmake --build --preset release }
        Invoke-Checked { dotnet publish src/Moesaic.Cli/Moesaic.Cli.csproj -c Release -o out/bin --nologo -v quiet }
    }
    finally { Pop-Location }
}

$verb, $rest = @($args)
if (-not $verb) { $verb = 'help' }

if ($programVerbs -contains $verb) {
    Build-Program
    & (Join-Path $root 'out/bin/moesaic') $verb @rest
    exit $LASTEXITCODE
}

switch ($verb) {
    'help' { "verbs of the program: $($programVerbs -join ' ')"; "verbs of the script: $($scriptVerbs -join ' ')" }
    'deps' {
        foreach ($tool in 'cmake', 'ninja', 'dotnet') {
            if (-not (Get-Command $tool -ErrorAction SilentlyContinue)) {
                Write-Error "Missing: $tool. Install it (winget install Kitware.CMake Ninja-build.Ninja Microsoft.DotNet.SDK.10) and run this again."
            }
        }
    }
    'build' { Build-Program }
    'test' {
        Build-Program
        Push-Location $root
        try { Invoke-Checked { dotnet test Moesaic.slnx -c Release --nologo } }
        finally { Pop-Location }
    }
    'perf-gate' { Build-Program; Invoke-Checked { & (Join-Path $root 'out/bin/moesaic') bench --gate (Join-Path $root 'tests/perf-budget.json') } }
    'publish' {
        Push-Location $root
        try {
            Invoke-Checked { dotnet publish src/Moesaic.Cli/Moesaic.Cli.csproj -c Release -r win-x64 --self-contained -p:PublishTrimmed=true -o out/publish/moesaic --nologo }
        }
        finally { Pop-Location }
    }
    'pack' {
        Build-Program
        Push-Location $root
        try {
            foreach ($project in 'bindings/Moesaic.Bindings', 'src/Moesaic.Interop', 'src/Moesaic.Models', 'src/Moesaic.Scheduling', 'src/Moesaic.Engine', 'src/Moesaic.Native') {
                Invoke-Checked { dotnet pack $project -c Release -o out/packages --nologo -v quiet }
            }
        }
        finally { Pop-Location }
    }
    'clean' { Remove-Item -Recurse -Force (Join-Path $root 'out') -ErrorAction SilentlyContinue }
    default { [Console]::Error.WriteLine("build.ps1: unknown verb '$verb'; build.ps1 help lists them"); exit 2 }
}
