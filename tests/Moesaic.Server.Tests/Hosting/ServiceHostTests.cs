using System.Net;

namespace Moesaic.Server.Tests.Hosting;

internal sealed class ServiceHostTests
{
    [Test]
    public async Task Host_on_a_free_port_gets_ready_with_the_embedded_model()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(new ServerOptions { Port = 0 });
        await host.Ready;
        using HttpClient client = new() { BaseAddress = host.Address };
        using HttpResponseMessage response = await client.GetAsync("/health");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using HttpResponseMessage absent = await client.GetAsync("/nothing");
        Assert.That(absent.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await absent.Content.ReadAsStringAsync(), Does.Contain("\"code\":\"route_not_found\""));
    }
}
