using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>The one browser that all tests share, each with a context of its own.</summary>
[SetUpFixture]
internal sealed class Chromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];
    // Containers have little shared memory.
    private static readonly string[] Common = ["--disable-gpu", "--disable-dev-shm-usage"];

    private static IPlaywright? s_playwright;

    public static IBrowser Browser { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        s_playwright = await Playwright.CreateAsync();
        Browser = await s_playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Find(),
            // Chromium refuses to run sandboxed as root, which containers are.
            Args = Environment.IsPrivilegedProcess ? [.. Common, "--no-sandbox"] : Common,
        });
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Browser is not null)
        {
            await Browser.DisposeAsync();
        }

        s_playwright?.Dispose();
    }

    private static string Find() =>
        (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
         from name in Names
         let path = Path.Combine(folder, name)
         where File.Exists(path)
         select path).FirstOrDefault()
        ?? throw new FileNotFoundException($"No {string.Join(", ", Names)} in PATH; './build.sh deps' installs Debian's package 'chromium'.");
}
